// A whole file mapped read-only into memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace aloud {

// Owns the mapping; bytes() stays valid until destruction. Movable; the bytes may be read by any thread.
class MappedFile {
 public:
  // Errors: the path cannot be opened, is a folder or is empty.
  static Result<MappedFile> open(const std::string& path);

  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }

  // The system may take back the memory of this part of bytes(); reading it again brings it back.
  void release(std::span<const std::byte> part) const;

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace aloud
