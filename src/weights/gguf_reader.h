// Reads one GGUF file, or one part of a split one, into checked views. Private to this folder; use gguf.h.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "weights/gguf.h"

namespace aloud {

// One use: construct, read. Every number in the file is distrusted: it is compared with the bytes that are
// left before anything is allocated or addressed with it.
class GgufReader {
 public:
  // bytes must outlive what read() fills; name is for messages and must be printable.
  GgufReader(std::span<const std::byte> bytes, std::string_view name) : bytes_(bytes), name_(name) {}

  // Fills version, bytes, metadata and tensors, and indexes them.
  Status read(GgufFile& file);

  // Sorts the tensors' names for look-up. Errors: two have the same name.
  static Status index_tensors(GgufFile& file, std::string_view name);

 private:
  Status read_header(GgufFile& file);
  Status read_metadata(Metadata& metadata);
  Status read_value(MetadataEntry& entry);
  Status read_array(MetadataArray& array, std::string_view key);
  Status read_tensors(std::vector<Tensor>& tensors);
  Status read_tensor(Tensor& tensor);
  Status place_tensors(std::vector<Tensor>& tensors, std::size_t alignment);
  Status check_overlaps(const std::vector<Tensor>& tensors) const;
  Result<std::size_t> alignment(const Metadata& metadata) const;

  std::size_t left() const { return bytes_.size() - at_; }
  // Each takes the next value; false when the file ends before its end.
  template <class T>
  bool take(T& value);
  bool take_string(std::string_view& text);
  tl::unexpected<Error> ends_inside(std::string_view what) const;

  std::span<const std::byte> bytes_;
  std::string_view name_;
  std::size_t at_ = 0;  // <= bytes_.size()
  std::size_t metadata_count_ = 0;
  std::size_t tensor_count_ = 0;
  std::vector<std::uint64_t> offsets_;  // of the tensors, from the start of the data
};

}  // namespace aloud
