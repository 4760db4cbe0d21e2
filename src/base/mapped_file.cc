// Maps files with mmap and survives their loss.
#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include "base/printable.h"

namespace aloud {

// One mapping as the handler sees it. Guards are used again but never freed, so that the handler can walk
// their list at any moment.
struct MappedFile::Guard {
  std::atomic<std::uintptr_t> begin{0}, end{0};  // end 0: free
  std::atomic<bool> damaged{false};
  Guard* next = nullptr;
};

std::atomic<MappedFile::Guard*> MappedFile::guards{nullptr};

namespace {

struct sigaction action_before;

std::uintptr_t page_bytes() {
  static const auto bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  return bytes;
}

}  // namespace

// Only what is allowed in a handler: atomics and system calls.
void MappedFile::handle_bus_error(int signal, siginfo_t* details, void*) {
  const auto at = reinterpret_cast<std::uintptr_t>(details->si_addr);
  for (Guard* guard = guards.load(); guard != nullptr; guard = guard->next) {
    if (at < guard->begin.load() || at >= guard->end.load()) continue;
    const std::uintptr_t page = at / page_bytes() * page_bytes();
    void* zeros = ::mmap(reinterpret_cast<void*>(page), page_bytes(), PROT_READ,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (zeros == MAP_FAILED) break;
    guard->damaged.store(true);
    return;
  }
  // Not ours: whoever was there before gets it, when the instruction is tried again or, without one, now.
  ::sigaction(SIGBUS, &action_before, nullptr);
  if (details->si_code <= 0) ::raise(signal);
}

MappedFile::Guard& MappedFile::guard(std::span<const std::byte> bytes) {
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  if (guards.load() == nullptr) {
    page_bytes();
    struct sigaction action {};
    action.sa_sigaction = handle_bus_error;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    ::sigaction(SIGBUS, &action, &action_before);
  }
  Guard* free = guards.load();
  while (free != nullptr && free->end.load() != 0) free = free->next;
  if (free == nullptr) {
    free = new Guard;
    free->next = guards.load();
    guards.store(free);
  }
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  free->damaged.store(false);
  free->begin.store(begin);
  free->end.store((begin + bytes.size() + page_bytes() - 1) / page_bytes() * page_bytes());
  return *free;
}

Result<MappedFile> MappedFile::open(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return fail("{}: {}", printable(path), std::strerror(errno));
  Result<MappedFile> mapped = map(file, path);
  ::close(file);
  return mapped;
}

Result<MappedFile> MappedFile::map(int file, const std::string& path) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    return fail("{}: not a regular file", printable(path));
  }
  if (status.st_size == 0) return fail("{}: the file is empty", printable(path));
  const auto size = static_cast<std::size_t>(status.st_size);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (address == MAP_FAILED)
    return fail("{}: cannot map {} bytes: {}", printable(path), size, std::strerror(errno));
  MappedFile mapped;
  mapped.bytes_ = {static_cast<const std::byte*>(address), size};
  mapped.path_ = path;
  mapped.modified_ = status.st_mtim.tv_sec * std::int64_t{1'000'000'000} + status.st_mtim.tv_nsec;
  mapped.guard_ = &guard(mapped.bytes_);
  return mapped;
}

Status MappedFile::check() const {
  if (guard_ == nullptr || !guard_->damaged.load()) return {};
  return fail("{}: the file was cut short or could not be read while it was in use", printable(path_));
}

void MappedFile::populate(std::span<const std::byte> part) const {
#ifdef MADV_POPULATE_READ  // Linux 5.14
  const std::uintptr_t page = page_bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(part.data());
  const std::uintptr_t first = begin / page * page;
  ::madvise(reinterpret_cast<void*>(first), begin + part.size() - first, MADV_POPULATE_READ);
#endif
}

void MappedFile::release(std::span<const std::byte> part) const {
  const std::uintptr_t page = page_bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(part.data());
  const std::uintptr_t first = (begin + page - 1) / page * page, last = (begin + part.size()) / page * page;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

MappedFile::MappedFile(MappedFile&& other) noexcept { *this = std::move(other); }

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(path_, other.path_);
  std::swap(modified_, other.modified_);
  std::swap(guard_, other.guard_);
  return *this;
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  guard_->end.store(0);
  ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace aloud
