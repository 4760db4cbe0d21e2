// Writes GGUF files, version 3: typed metadata and tensors of any size, streamed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "weights/gguf.h"

namespace aloud {

// In both variants the place of a type is its number in GGUF (MetadataType); monostate stands where arrays of
// arrays would be.
using MetadataList =
    std::variant<std::vector<std::uint8_t>, std::vector<std::int8_t>, std::vector<std::uint16_t>,
                 std::vector<std::int16_t>, std::vector<std::uint32_t>, std::vector<std::int32_t>,
                 std::vector<float>, std::vector<bool>, std::vector<std::string>, std::monostate,
                 std::vector<std::uint64_t>, std::vector<std::int64_t>, std::vector<double>>;
using MetadataValue =
    std::variant<std::uint8_t, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t, float,
                 bool, std::string, MetadataList, std::uint64_t, std::int64_t, double>;

// A copy of what an open file says, to write it again.
MetadataValue metadata_value(const MetadataEntry& entry);

// Takes the next bytes of a file or a tensor.
using PutBytes = std::function<Status(std::span<const std::byte> bytes)>;

// Hands out a tensor's bytes, in order and in pieces of any size; all of them together are as many as type
// and shape say. Its errors end the writing.
using TensorProducer = std::function<Status(const PutBytes& put)>;

// Collects a file and writes it as often as wanted. One thread at a time.
class GgufWriter {
 public:
  // Adds an entry, or replaces the value of an earlier one. The key general.alignment (uint32, a power of two
  // from 8 on) sets the alignment of the tensors; it is 32 without.
  void set(std::string_view key, MetadataValue value);

  // shape as in Tensor, 1 to 4 lengths. bytes are borrowed until the last write.
  void add_tensor(std::string_view name, DType type, std::span<const std::int64_t> shape,
                  std::span<const std::byte> bytes);
  // The bytes come from producer, which is called once per write.
  void add_tensor(std::string_view name, DType type, std::span<const std::int64_t> shape,
                  TensorProducer producer);

  // Writes to a temporary file beside path and renames it when all of it is on disk; after an error path is
  // as before. Errors: what GgufFile::open would refuse (names, shapes, duplicates, limits), a tensor whose
  // bytes are too many or too few, and what the file system says (no such folder, disk full).
  Status write(const std::string& path) const;
  // The same to wherever put leads.
  Status write_to(const PutBytes& put) const;

 private:
  struct PlannedTensor {
    std::string name;
    DType type;
    std::vector<std::int64_t> shape;
    TensorProducer producer;
  };

  Result<std::uint64_t> alignment() const;
  Result<std::uint64_t> tensor_bytes(const PlannedTensor& tensor) const;
  Status check_names() const;
  Status put_tensor(const PlannedTensor& tensor, std::uint64_t bytes, const PutBytes& put) const;

  std::vector<std::pair<std::string, MetadataValue>> entries_;
  std::vector<PlannedTensor> tensors_;
};

}  // namespace aloud
