// A whole file mapped read-only into memory.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace aloud {

// Owns the mapping; bytes() stays valid until destruction. Movable; the bytes may be read by any thread.
//
// A file that is cut short while it is mapped, or whose disk fails, does not end the process: what can no
// longer be read reads as zeros, and check() says so from then on. (The first mapping installs a handler for
// SIGBUS, which passes on what does not concern mapped files.)
class MappedFile {
 public:
  // Errors: the path cannot be opened, is a folder or is empty.
  static Result<MappedFile> open(const std::string& path);
  // The same of an open file, which may be closed afterwards; path is for messages.
  static Result<MappedFile> map(int file, const std::string& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  // When the file was last changed before it was mapped, in nanoseconds since 1970.
  std::int64_t modified() const { return modified_; }

  // Errors: a part of the file could not be read since it was mapped; the message names the file.
  Status check() const;

  // Maps this part of bytes() at once, where the system can: faster than page by page as it is read.
  void populate(std::span<const std::byte> part) const;
  // The system may take back the memory of this part of bytes(); reading it again brings it back.
  void release(std::span<const std::byte> part) const;

 private:
  struct Guard;
  // Mappings of the process, for the handler.
  static std::atomic<Guard*> guards;
  static Guard& guard(std::span<const std::byte> bytes);
  static void handle_bus_error(int signal, siginfo_t* details, void* context);

  std::span<const std::byte> bytes_;
  std::string path_;
  std::int64_t modified_ = 0;
  Guard* guard_ = nullptr;
};

}  // namespace aloud
