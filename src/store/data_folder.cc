// Locks are two bytes of one empty file, by open file description: byte 0 is shared by all users, byte 1 is
// of the one that serves.
#include "store/data_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/printable.h"

namespace aloud {
namespace {

constexpr off_t kInUse = 0;
constexpr off_t kServing = 1;

tl::unexpected<Error> system_error(const std::string& path) {
  return fail("{}: {}", printable(path), std::strerror(errno));
}

bool lock_byte(int file, off_t byte, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return ::fcntl(file, F_OFD_SETLK, &lock) == 0;
}

}  // namespace

Result<std::string> data_folder(const std::string& option) {
  if (!option.empty()) return option;
  // The XDG specification: paths that are not absolute do not count.
  for (const auto& [variable, below] :
       {std::pair{"XDG_DATA_HOME", "/aloud"}, {"HOME", "/.local/share/aloud"}}) {
    const char* value = std::getenv(variable);
    if (value != nullptr && value[0] == '/') return std::string(value) + below;
  }
  return fail("no folder for data: neither XDG_DATA_HOME nor HOME is set; name one with --data");
}

Status make_private_folder(const std::string& folder) {
  const std::filesystem::path parent = std::filesystem::path(folder).parent_path();
  std::error_code error;
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return fail("{}: {}", printable(parent.string()), error.message());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return system_error(folder);
  return {};
}

Status make_private_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return system_error(path);
  ::close(file);
  return {};
}

Status sync_to_disk(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return system_error(path);
  const int error = ::fsync(file) == 0 ? 0 : errno;
  ::close(file);
  if (error != 0) return fail("{}: {}", printable(path), std::strerror(error));
  return {};
}

Result<FolderLock> FolderLock::take(const std::string& folder, FolderUse use) {
  const std::string path = folder + "/aloud.lock";
  FolderLock lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.file_ < 0) return system_error(path);
  if (!lock_byte(lock.file_, kInUse, use == FolderUse::kReplace ? F_WRLCK : F_RDLCK)) {
    return fail("{}: another aloud uses this folder; stop it first", printable(folder));
  }
  if (use == FolderUse::kServe && !lock_byte(lock.file_, kServing, F_WRLCK)) {
    return fail("{}: another aloud serves from this folder; stop it, or name another folder with --data",
                printable(folder));
  }
  return lock;
}

FolderLock::FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

FolderLock& FolderLock::operator=(FolderLock&& other) noexcept {
  std::swap(file_, other.file_);
  return *this;
}

FolderLock::~FolderLock() {
  if (file_ >= 0) ::close(file_);
}

}  // namespace aloud
