// A file that appears under its name only when it is complete and on disk.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace aloud {

// Writes all bytes to an open file, however many calls that takes. Returns 0, or the errno of what went
// wrong.
int write_all(int file, std::span<const std::byte> bytes);

// Writes to a temporary file in the same folder; commit() renames it over path. Without commit() (an error,
// an early return) the temporary file is removed and what stood at path stays. Movable; one thread at a time.
class AtomicFile {
 public:
  // Errors: the folder does not exist or cannot be written.
  static Result<AtomicFile> create(const std::string& path);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  // Errors: the disk is full, or whatever else the system says; the message does not name the path.
  Status append(std::span<const std::byte> bytes);
  // Flushes to disk and renames. Call once, as the last. Errors as above; the message names the path.
  Status commit();

 private:
  AtomicFile() = default;
  Status flush();
  void discard();

  int file_ = -1;  // -1 when closed
  std::string path_;
  std::string temporary_;  // empty when there is none to remove
  std::vector<std::byte> buffer_;
};

}  // namespace aloud
