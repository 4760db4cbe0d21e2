// Writes beside the target and renames.
#include "base/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/printable.h"

namespace aloud {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;
constexpr int kMaxAttempts = 100;  // names that other writers may hold

Status write(int file, std::span<const std::byte> bytes) {
  if (const int error = write_all(file, bytes); error != 0)
    return fail("cannot write: {}", std::strerror(error));
  return {};
}

}  // namespace

int write_all(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

Result<AtomicFile> AtomicFile::create(const std::string& path) {
  AtomicFile out;
  out.path_ = path;
  for (int attempt = 0; attempt < kMaxAttempts && out.file_ < 0; ++attempt) {
    out.temporary_ = fmt::format("{}.{}-{}.partial", path, ::getpid(), attempt);
    out.file_ = ::open(out.temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (out.file_ < 0 && errno != EEXIST) break;
  }
  if (out.file_ < 0) {
    const int error = errno;
    out.temporary_.clear();
    return fail("{}: {}", printable(path), std::strerror(error));
  }
  out.buffer_.reserve(kBufferBytes);
  return out;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept { *this = std::move(other); }

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

Status AtomicFile::flush() {
  TRY(write(file_, buffer_));
  buffer_.clear();
  return {};
}

Status AtomicFile::append(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) TRY(flush());
  if (bytes.size() > kBufferBytes) return write(file_, bytes);
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return {};
}

Status AtomicFile::commit() {
  const Status flushed = flush();
  if (!flushed) return fail("{}: {}", printable(path_), flushed.error().message);
  if (::fsync(file_) != 0) return fail("{}: cannot write: {}", printable(path_), std::strerror(errno));
  // Some file systems report a failed write only here.
  if (::close(std::exchange(file_, -1)) != 0) {
    return fail("{}: cannot write: {}", printable(path_), std::strerror(errno));
  }
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return fail("{}: {}", printable(path_), std::strerror(errno));
  }
  temporary_.clear();
  return {};
}

}  // namespace aloud
