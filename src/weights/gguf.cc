// Looks things up in an open GGUF file.
#include "weights/gguf.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "base/check.h"
#include "base/printable.h"

namespace aloud {
namespace {

template <class T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// What a message says about an entry that has the wrong kind of value.
std::string found_text(const MetadataEntry* entry) {
  return entry == nullptr ? "missing" : fmt::format("found a value of type {}", name(entry->type));
}

}  // namespace

std::string_view name(MetadataType type) {
  switch (type) {
    case MetadataType::kUint8:
      return "uint8";
    case MetadataType::kInt8:
      return "int8";
    case MetadataType::kUint16:
      return "uint16";
    case MetadataType::kInt16:
      return "int16";
    case MetadataType::kUint32:
      return "uint32";
    case MetadataType::kInt32:
      return "int32";
    case MetadataType::kFloat32:
      return "float32";
    case MetadataType::kBool:
      return "bool";
    case MetadataType::kString:
      return "string";
    case MetadataType::kArray:
      return "array";
    case MetadataType::kUint64:
      return "uint64";
    case MetadataType::kInt64:
      return "int64";
    case MetadataType::kFloat64:
      return "float64";
  }
  return "unknown";
}

std::size_t value_bytes(MetadataType type) {
  switch (type) {
    case MetadataType::kUint8:
    case MetadataType::kInt8:
    case MetadataType::kBool:
      return 1;
    case MetadataType::kUint16:
    case MetadataType::kInt16:
      return 2;
    case MetadataType::kUint32:
    case MetadataType::kInt32:
    case MetadataType::kFloat32:
      return 4;
    case MetadataType::kUint64:
    case MetadataType::kInt64:
    case MetadataType::kFloat64:
      return 8;
    case MetadataType::kString:
    case MetadataType::kArray:
      return 0;
  }
  return 0;
}

std::int64_t MetadataArray::integer(std::size_t i) const {
  CHECK(i < size && numbers_ != nullptr);
  const std::byte* at = numbers_ + i * value_bytes(element);
  switch (element) {
    case MetadataType::kUint8:
    case MetadataType::kBool:
      return load<std::uint8_t>(at);
    case MetadataType::kInt8:
      return load<std::int8_t>(at);
    case MetadataType::kUint16:
      return load<std::uint16_t>(at);
    case MetadataType::kInt16:
      return load<std::int16_t>(at);
    case MetadataType::kUint32:
      return load<std::uint32_t>(at);
    case MetadataType::kInt32:
      return load<std::int32_t>(at);
    case MetadataType::kInt64:
      return load<std::int64_t>(at);
    case MetadataType::kUint64: {
      constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
      return static_cast<std::int64_t>(std::min(load<std::uint64_t>(at), kMax));
    }
    default:
      CHECK(false && "not an array of integers");
  }
  return 0;
}

std::uint64_t MetadataArray::unsigned_integer(std::size_t i) const {
  CHECK(i < size && numbers_ != nullptr && element == MetadataType::kUint64);
  return load<std::uint64_t>(numbers_ + i * sizeof(std::uint64_t));
}

double MetadataArray::real(std::size_t i) const {
  CHECK(i < size && numbers_ != nullptr);
  const std::byte* at = numbers_ + i * value_bytes(element);
  if (element == MetadataType::kFloat32) return static_cast<double>(load<float>(at));
  if (element == MetadataType::kFloat64) return load<double>(at);
  if (element == MetadataType::kUint64) return static_cast<double>(load<std::uint64_t>(at));
  return static_cast<double>(integer(i));
}

std::string_view MetadataArray::string(std::size_t i) const {
  CHECK(i < strings_.size());
  const std::byte* at = strings_[i];
  const auto length = static_cast<std::size_t>(load<std::uint64_t>(at));
  return {reinterpret_cast<const char*>(at + sizeof(std::uint64_t)), length};
}

bool MetadataArray::is_integer() const {
  return numbers_ != nullptr && element != MetadataType::kBool && element != MetadataType::kFloat32 &&
         element != MetadataType::kFloat64;
}

const MetadataEntry* Metadata::find(std::string_view key) const {
  const auto found =
      std::lower_bound(by_key_.begin(), by_key_.end(), key,
                       [&](std::uint32_t i, std::string_view k) { return entries_[i].key < k; });
  return found != by_key_.end() && entries_[*found].key == key ? &entries_[*found] : nullptr;
}

std::optional<std::int64_t> Metadata::integer(std::string_view key) const {
  const MetadataEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<std::int64_t>(&entry->value)) return *value;
  const auto* value = std::get_if<std::uint64_t>(&entry->value);
  if (value == nullptr || *value > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
    return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<double> Metadata::real(std::string_view key) const {
  const MetadataEntry* entry = find(key);
  if (entry == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<double>(&entry->value)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&entry->value)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::uint64_t>(&entry->value)) return static_cast<double>(*value);
  return std::nullopt;
}

std::optional<bool> Metadata::boolean(std::string_view key) const {
  const MetadataEntry* entry = find(key);
  const bool* value = entry == nullptr ? nullptr : std::get_if<bool>(&entry->value);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::string_view> Metadata::string(std::string_view key) const {
  const MetadataEntry* entry = find(key);
  const auto* value = entry == nullptr ? nullptr : std::get_if<std::string_view>(&entry->value);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

const MetadataArray* Metadata::array(std::string_view key) const {
  const MetadataEntry* entry = find(key);
  return entry == nullptr ? nullptr : std::get_if<MetadataArray>(&entry->value);
}

Result<std::int64_t> Metadata::require_integer(std::string_view key, std::int64_t low,
                                               std::int64_t high) const {
  const std::optional<std::int64_t> value = integer(key);
  if (!value) return fail("metadata {}: {}, expected an integer", printable(key), found_text(find(key)));
  if (*value < low || *value > high) {
    return fail("metadata {}: found {}, expected {} to {}", printable(key), *value, low, high);
  }
  return *value;
}

Result<double> Metadata::require_real(std::string_view key) const {
  const std::optional<double> value = real(key);
  if (!value) return fail("metadata {}: {}, expected a number", printable(key), found_text(find(key)));
  if (!std::isfinite(*value)) {
    return fail("metadata {}: found {}, expected a finite number", printable(key), *value);
  }
  return *value;
}

Result<std::string_view> Metadata::require_string(std::string_view key) const {
  const std::optional<std::string_view> value = string(key);
  if (!value) return fail("metadata {}: {}, expected a string", printable(key), found_text(find(key)));
  return *value;
}

std::size_t GgufFile::part_of(const Tensor& tensor) const {
  const std::less_equal<> before;  // a total order, also of pointers into different parts
  const std::byte* begin = tensor.bytes.data();
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (before(parts_[i].data(), begin) && before(begin, parts_[i].data() + parts_[i].size())) return i;
  }
  CHECK(false && "not a tensor of this file");
  return 0;
}

std::uint64_t GgufFile::offset(const Tensor& tensor) const {
  return static_cast<std::uint64_t>(tensor.bytes.data() - parts_[part_of(tensor)].data());
}

void GgufFile::populate(const Tensor& tensor, std::size_t first, std::size_t count) const {
  if (!mappings_.empty()) mappings_[part_of(tensor)].populate(tensor.bytes.subspan(first, count));
}

void GgufFile::release(const Tensor& tensor) const {
  if (!mappings_.empty()) mappings_[part_of(tensor)].release(tensor.bytes);
}

Status GgufFile::check() const {
  for (const MappedFile& mapping : mappings_) TRY(mapping.check());
  return {};
}

const Tensor* GgufFile::find(std::string_view name) const {
  const auto found =
      std::lower_bound(by_name_.begin(), by_name_.end(), name,
                       [&](std::uint32_t i, std::string_view n) { return tensors_[i].name < n; });
  return found != by_name_.end() && tensors_[*found].name == name ? &tensors_[*found] : nullptr;
}

}  // namespace aloud
