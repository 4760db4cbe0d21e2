// GGUF files: named tensors and typed metadata, mapped and checked before anything is used.
// Source: the published GGUF specification, versions 2 and 3, little-endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "tensor/tensor.h"

namespace aloud {

// Limits that bound what a hostile file can make us allocate: at most its own size and 64 MB more.
inline constexpr std::size_t kMaxMetadataEntries = 1 << 16;
inline constexpr std::size_t kMaxTensors = 1 << 17;  // over all parts of a split file
inline constexpr std::size_t kMaxMetadataKeyBytes = 65535;
inline constexpr std::size_t kMaxTensorNameBytes = 255;
inline constexpr std::size_t kMaxAlignment = 1 << 21;
inline constexpr std::size_t kDefaultAlignment = 32;
inline constexpr std::int64_t kMaxParts = 1024;

// The values are GGUF's value type numbers.
enum class MetadataType : std::uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

std::string_view name(MetadataType type);  // "uint8", ..., "string", "array"

// Bytes of one value in the file; 0 for strings and arrays, whose size varies.
std::size_t value_bytes(MetadataType type);

// An array of numbers, bools or strings. Views the file: nothing is copied but the strings' places.
class MetadataArray {
 public:
  MetadataType element = MetadataType::kUint8;
  std::size_t size = 0;

  // The i-th element; each is defined for the element types that its name says. i < size.
  std::int64_t integer(std::size_t i) const;            // integers and bools; uint64 past 2^63-1 saturates
  std::uint64_t unsigned_integer(std::size_t i) const;  // uint64
  double real(std::size_t i) const;                     // any number
  std::string_view string(std::size_t i) const;

  bool is_integer() const;  // integers, not bools
  bool is_string() const { return element == MetadataType::kString; }

 private:
  friend class GgufReader;
  const std::byte* numbers_ = nullptr;     // unaligned
  std::vector<const std::byte*> strings_;  // where each string's length stands; its bytes follow
};

// value holds uint64 for kUint64, int64 for the other integers, double for both floats.
struct MetadataEntry {
  std::string_view key;
  MetadataType type;
  std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view, MetadataArray> value;
};

// Typed look-up. A key that is missing, or has another kind of value, is nullopt (or nullptr); require_* turn
// both into an error that names the key, what was found and what was expected.
class Metadata {
 public:
  std::span<const MetadataEntry> entries() const { return entries_; }
  const MetadataEntry* find(std::string_view key) const;

  std::optional<std::int64_t> integer(std::string_view key) const;  // any integer type within int64
  std::optional<double> real(std::string_view key) const;           // any number
  std::optional<bool> boolean(std::string_view key) const;
  std::optional<std::string_view> string(std::string_view key) const;
  const MetadataArray* array(std::string_view key) const;

  // The integer, within [low, high].
  Result<std::int64_t> require_integer(std::string_view key, std::int64_t low, std::int64_t high) const;
  Result<double> require_real(std::string_view key) const;  // finite
  Result<std::string_view> require_string(std::string_view key) const;

 private:
  friend class GgufReader;
  std::vector<MetadataEntry> entries_;  // in file order
  std::vector<std::uint32_t> by_key_;   // places in entries_, sorted by key
};

// A model file (or all parts of a split one), open and valid: every offset, size, shape and count was checked
// against the bytes that are there. Owns the mapping; all views live as long as it does. Immutable, so any
// thread may read it.
class GgufFile {
 public:
  // Opens FILE; of a split file (name-00001-of-00003.gguf) any part may be named and all are opened. The
  // metadata of a split file are those of its first part. Errors: one line that names the file and what is
  // wrong with it.
  static Result<GgufFile> open(const std::string& path);
  // The same from memory that outlives the result; name is for messages. Not for parts of split files.
  static Result<GgufFile> from_memory(std::span<const std::byte> bytes, std::string name);

  const std::string& name() const { return name_; }
  const Metadata& metadata() const { return metadata_; }
  std::span<const Tensor> tensors() const { return tensors_; }
  const Tensor* find(std::string_view name) const;  // nullptr when there is none
  std::uint32_t version() const { return version_; }
  std::uint64_t bytes() const { return bytes_; }                                // size of all parts
  std::span<const std::span<const std::byte>> parts() const { return parts_; }  // the bytes of each
  // Which of parts() holds a tensor of this file, and where it begins there.
  std::size_t part_of(const Tensor& tensor) const;
  std::uint64_t offset(const Tensor& tensor) const;
  // Errors: a part of the file could no longer be read, so what was read is not to be trusted.
  Status check() const;
  // Those of parts(); none when the bytes are somebody else's.
  std::span<const MappedFile> mappings() const { return mappings_; }
  // Bytes [first, first + count) of a tensor of this file will be read at once, by any thread.
  void populate(const Tensor& tensor, std::size_t first, std::size_t count) const;
  // The system may take back the memory that holds a tensor of this file, until it is read again.
  void release(const Tensor& tensor) const;

 private:
  friend class GgufReader;
  static Result<GgufFile> open_part(const std::string& path);
  Status append(GgufFile part);

  std::string name_;
  std::uint32_t version_ = 3;
  std::uint64_t bytes_ = 0;
  std::vector<std::span<const std::byte>> parts_;
  std::vector<MappedFile> mappings_;  // one per part; none when the bytes are somebody else's
  Metadata metadata_;
  std::vector<Tensor> tensors_;         // in file order, part after part
  std::vector<std::uint32_t> by_name_;  // places in tensors_, sorted by name
};

}  // namespace aloud
