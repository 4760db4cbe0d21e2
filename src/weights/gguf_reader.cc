// Checks a GGUF file from its first byte to the end of its last tensor.
#include "weights/gguf_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>
#include <utility>

#include "base/printable.h"

namespace aloud {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF's values are used as they lie in the file");

constexpr std::size_t kMaxMessageBytes = 80;

// Text from the file as messages show it: harmless and short.
std::string shown(std::string_view text) {
  if (text.size() <= kMaxMessageBytes) return printable(text);
  return printable(text.substr(0, kMaxMessageBytes)) + "...";
}

// Types that exist elsewhere but that this program does not read.
std::string_view foreign_type_name(std::uint32_t type) {
  switch (type) {
    case 4:
      return " (Q4_2)";
    case 5:
      return " (Q4_3)";
    case 9:
      return " (Q8_1)";
    case 15:
      return " (Q8_K)";
    case 24:
      return " (I8)";
    case 25:
      return " (I16)";
    case 26:
      return " (I32)";
    case 27:
      return " (I64)";
    case 28:
      return " (F64)";
    case 31:
      return " (Q4_0_4_4)";
    case 32:
      return " (Q4_0_4_8)";
    case 33:
      return " (Q4_0_8_8)";
    case 40:
      return " (NVFP4)";
    default:
      return "";
  }
}

// Fills places with 0, 1, ... sorted by key(place). Returns a place whose key comes twice, or size when all
// differ.
template <class Key>
std::size_t sort_places(std::vector<std::uint32_t>& places, std::size_t size, const Key& key) {
  places.resize(size);
  std::iota(places.begin(), places.end(), 0u);
  std::sort(places.begin(), places.end(), [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
  const auto twin = std::adjacent_find(places.begin(), places.end(),
                                       [&](std::uint32_t a, std::uint32_t b) { return key(a) == key(b); });
  return twin == places.end() ? size : *twin;
}

}  // namespace

template <class T>
bool GgufReader::take(T& value) {
  if (left() < sizeof value) return false;
  std::memcpy(&value, bytes_.data() + at_, sizeof value);
  at_ += sizeof value;
  return true;
}

bool GgufReader::take_string(std::string_view& text) {
  std::uint64_t length = 0;
  if (!take(length) || length > left()) return false;
  text = {reinterpret_cast<const char*>(bytes_.data() + at_), static_cast<std::size_t>(length)};
  at_ += text.size();
  return true;
}

tl::unexpected<Error> GgufReader::ends_inside(std::string_view what) const {
  return fail("{}: {} bytes are too few: the file ends inside {}", name_, bytes_.size(), what);
}

Status GgufReader::read(GgufFile& file) {
  TRY(read_header(file));
  TRY(read_metadata(file.metadata_));
  TRY_ASSIGN(const std::size_t alignment_bytes, alignment(file.metadata_));
  TRY(read_tensors(file.tensors_));
  TRY(index_tensors(file, name_));
  return place_tensors(file.tensors_, alignment_bytes);
}

Status GgufReader::read_header(GgufFile& file) {
  file.bytes_ = bytes_.size();
  file.parts_ = {bytes_};
  char magic[4] = {};
  if (!take(magic) || std::memcmp(magic, "GGUF", sizeof magic) != 0) {
    return fail("{}: not a GGUF file (it does not begin with \"GGUF\")", name_);
  }
  if (!take(file.version_)) return ends_inside("the header");
  if (file.version_ != 2 && file.version_ != 3) {
    const std::uint32_t swapped = __builtin_bswap32(file.version_);
    if (swapped >= 1 && swapped <= 3) {
      return fail("{}: a big-endian GGUF file; only little-endian ones are supported", name_);
    }
    return fail("{}: GGUF version {} is not supported, only 2 and 3 are", name_, file.version_);
  }
  std::uint64_t tensors = 0;
  std::uint64_t entries = 0;
  if (!take(tensors) || !take(entries)) return ends_inside("the header");
  if (tensors > kMaxTensors) return fail("{}: {} tensors, expected at most {}", name_, tensors, kMaxTensors);
  if (entries > kMaxMetadataEntries) {
    return fail("{}: {} metadata entries, expected at most {}", name_, entries, kMaxMetadataEntries);
  }
  tensor_count_ = static_cast<std::size_t>(tensors);
  metadata_count_ = static_cast<std::size_t>(entries);
  return {};
}

Status GgufReader::read_metadata(Metadata& metadata) {
  metadata.entries_.reserve(metadata_count_);
  for (std::size_t i = 0; i < metadata_count_; ++i) {
    MetadataEntry entry{};
    std::uint32_t type = 0;
    if (!take_string(entry.key)) return ends_inside(fmt::format("the key of metadata entry {}", i));
    if (entry.key.empty() || entry.key.size() > kMaxMetadataKeyBytes) {
      return fail("{}: metadata entry {} has a key of {} bytes, expected 1 to {}", name_, i, entry.key.size(),
                  kMaxMetadataKeyBytes);
    }
    if (!take(type)) return ends_inside(fmt::format("metadata {}", shown(entry.key)));
    if (type > static_cast<std::uint32_t>(MetadataType::kFloat64)) {
      return fail("{}: metadata {} has the unknown value type {}", name_, shown(entry.key), type);
    }
    entry.type = static_cast<MetadataType>(type);
    TRY(read_value(entry));
    metadata.entries_.push_back(std::move(entry));
  }
  const auto& entries = metadata.entries_;
  const std::size_t twin =
      sort_places(metadata.by_key_, entries.size(), [&](std::uint32_t place) { return entries[place].key; });
  if (twin != entries.size()) {
    return fail("{}: metadata {} is there twice", name_, shown(entries[twin].key));
  }
  return {};
}

Status GgufReader::read_value(MetadataEntry& entry) {
  const auto store = [&](auto value, auto stored) {
    const bool whole = take(value);
    if (whole) entry.value = static_cast<decltype(stored)>(value);
    return whole;
  };
  bool whole = false;
  switch (entry.type) {
    case MetadataType::kUint8:
      whole = store(std::uint8_t{}, std::int64_t{});
      break;
    case MetadataType::kInt8:
      whole = store(std::int8_t{}, std::int64_t{});
      break;
    case MetadataType::kUint16:
      whole = store(std::uint16_t{}, std::int64_t{});
      break;
    case MetadataType::kInt16:
      whole = store(std::int16_t{}, std::int64_t{});
      break;
    case MetadataType::kUint32:
      whole = store(std::uint32_t{}, std::int64_t{});
      break;
    case MetadataType::kInt32:
      whole = store(std::int32_t{}, std::int64_t{});
      break;
    case MetadataType::kInt64:
      whole = store(std::int64_t{}, std::int64_t{});
      break;
    case MetadataType::kUint64:
      whole = store(std::uint64_t{}, std::uint64_t{});
      break;
    case MetadataType::kFloat32:
      whole = store(float{}, double{});
      break;
    case MetadataType::kFloat64:
      whole = store(double{}, double{});
      break;
    case MetadataType::kBool: {
      std::uint8_t byte = 0;
      whole = take(byte);
      if (byte > 1) {
        return fail("{}: metadata {}: the bool has the value {}, expected 0 or 1", name_, shown(entry.key),
                    byte);
      }
      entry.value = byte == 1;
      break;
    }
    case MetadataType::kString: {
      std::string_view text;
      whole = take_string(text);
      entry.value = text;
      break;
    }
    case MetadataType::kArray:
      return read_array(entry.value.emplace<MetadataArray>(), entry.key);
  }
  if (!whole) return ends_inside(fmt::format("metadata {}", shown(entry.key)));
  return {};
}

Status GgufReader::read_array(MetadataArray& array, std::string_view key) {
  std::uint32_t element = 0;
  std::uint64_t count = 0;
  if (!take(element) || !take(count)) return ends_inside(fmt::format("metadata {}", shown(key)));
  array.element = static_cast<MetadataType>(element);
  if (array.element == MetadataType::kArray) {
    return fail("{}: metadata {}: arrays of arrays are not supported", name_, shown(key));
  }
  if (element > static_cast<std::uint32_t>(MetadataType::kFloat64)) {
    return fail("{}: metadata {} is an array of the unknown value type {}", name_, shown(key), element);
  }
  // Each string takes the eight bytes of its length at least, which is also what its place takes in memory.
  const std::size_t size = array.is_string() ? sizeof(std::uint64_t) : value_bytes(array.element);
  if (count > left() / size) {
    return ends_inside(fmt::format("metadata {} (an array of {} values)", shown(key), count));
  }
  array.size = static_cast<std::size_t>(count);
  if (!array.is_string()) {
    array.numbers_ = bytes_.data() + at_;
    at_ += array.size * size;
    const bool bools = array.element != MetadataType::kBool ||
                       std::all_of(array.numbers_, array.numbers_ + array.size,
                                   [](std::byte byte) { return byte <= std::byte{1}; });
    if (!bools) return fail("{}: metadata {}: a bool is neither 0 nor 1", name_, shown(key));
    return {};
  }
  array.strings_.reserve(array.size);
  for (std::size_t i = 0; i < array.size; ++i) {
    array.strings_.push_back(bytes_.data() + at_);
    std::string_view text;
    if (!take_string(text)) return ends_inside(fmt::format("string {} of metadata {}", i, shown(key)));
  }
  return {};
}

Result<std::size_t> GgufReader::alignment(const Metadata& metadata) const {
  constexpr std::string_view kKey = "general.alignment";
  if (metadata.find(kKey) == nullptr) return kDefaultAlignment;
  const auto value = metadata.require_integer(kKey, 8, kMaxAlignment);
  if (!value) return fail("{}: {}", name_, value.error().message);
  if (!std::has_single_bit(static_cast<std::uint64_t>(*value))) {
    return fail("{}: metadata {}: found {}, expected a power of two", name_, kKey, *value);
  }
  return static_cast<std::size_t>(*value);
}

Status GgufReader::read_tensors(std::vector<Tensor>& tensors) {
  tensors.reserve(tensor_count_);
  offsets_.reserve(tensor_count_);
  for (std::size_t i = 0; i < tensor_count_; ++i) {
    Tensor tensor;
    if (!take_string(tensor.name)) return ends_inside(fmt::format("the name of tensor {}", i));
    if (tensor.name.empty() || tensor.name.size() > kMaxTensorNameBytes) {
      return fail("{}: tensor {} has a name of {} bytes, expected 1 to {}", name_, i, tensor.name.size(),
                  kMaxTensorNameBytes);
    }
    TRY(read_tensor(tensor));
    tensors.push_back(tensor);
  }
  return {};
}

Status GgufReader::read_tensor(Tensor& tensor) {
  const auto ends = [&] {
    return ends_inside(fmt::format("the description of tensor {}", shown(tensor.name)));
  };
  std::uint32_t dimensions = 0;
  if (!take(dimensions)) return ends();
  if (dimensions < 1 || dimensions > tensor.shape.size()) {
    return fail("{}: tensor {} has {} dimensions, expected 1 to {}", name_, shown(tensor.name), dimensions,
                tensor.shape.size());
  }
  tensor.dimensions = static_cast<int>(dimensions);
  for (std::uint32_t i = 0; i < dimensions; ++i) {
    std::uint64_t length = 0;
    if (!take(length)) return ends();
    if (length == 0 || length > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
      return fail("{}: tensor {}: dimension {} has the impossible length {}", name_, shown(tensor.name), i,
                  length);
    }
    tensor.shape[i] = static_cast<std::int64_t>(length);
  }
  std::uint32_t type = 0;
  std::uint64_t offset = 0;
  if (!take(type) || !take(offset)) return ends();
  const DTypeInfo* format = find_dtype(type);
  if (format == nullptr) {
    return fail("{}: tensor {} has type {}{}, which is not supported", name_, shown(tensor.name), type,
                foreign_type_name(type));
  }
  tensor.type = format->type;
  offsets_.push_back(offset);
  if (tensor.columns() % format->block_values != 0) {
    return fail("{}: tensor {}: rows of {} values, expected a multiple of {} for {}", name_,
                shown(tensor.name), tensor.columns(), format->block_values, format->name);
  }
  // The number of values must fit in 63 bits too, so that no product of lengths overflows later.
  std::int64_t values = tensor.columns();
  bool overflow = false;
  for (std::size_t i = 1; i < tensor.shape.size(); ++i) {
    overflow = overflow || __builtin_mul_overflow(values, tensor.shape[i], &values);
  }
  std::int64_t size = 0;
  overflow = overflow || __builtin_mul_overflow(values / format->block_values, format->block_bytes, &size);
  if (overflow || static_cast<std::uint64_t>(size) > bytes_.size()) {
    return fail("{}: tensor {} of shape {} in {} is larger than the file", name_, shown(tensor.name),
                shape_text(tensor), format->name);
  }
  tensor.bytes = bytes_.first(static_cast<std::size_t>(size));  // its place comes when all are known
  return {};
}

Status GgufReader::place_tensors(std::vector<Tensor>& tensors, std::size_t alignment) {
  if (tensors.empty()) return {};
  const std::size_t start = (at_ + alignment - 1) / alignment * alignment;
  if (start > bytes_.size()) return ends_inside("the padding before the tensors");
  const std::span<const std::byte> data = bytes_.subspan(start);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Tensor& tensor = tensors[i];
    const std::uint64_t offset = offsets_[i];
    if (offset % alignment != 0) {
      return fail("{}: tensor {} lies at offset {}, expected a multiple of {}", name_, shown(tensor.name),
                  offset, alignment);
    }
    if (offset > data.size() || tensor.bytes.size() > data.size() - offset) {
      return fail(
          "{}: tensor {} ({} bytes at offset {}) goes past the end of the file, which has {} bytes of "
          "tensors",
          name_, shown(tensor.name), tensor.bytes.size(), offset, data.size());
    }
    tensor.bytes = data.subspan(static_cast<std::size_t>(offset), tensor.bytes.size());
  }
  return check_overlaps(tensors);
}

Status GgufReader::check_overlaps(const std::vector<Tensor>& tensors) const {
  std::vector<std::uint32_t> places;
  sort_places(places, tensors.size(), [&](std::uint32_t place) { return tensors[place].bytes.data(); });
  for (std::size_t i = 1; i < places.size(); ++i) {
    const Tensor& before = tensors[places[i - 1]];
    const Tensor& after = tensors[places[i]];
    if (before.bytes.data() + before.bytes.size() > after.bytes.data()) {
      return fail("{}: tensors {} and {} overlap", name_, shown(before.name), shown(after.name));
    }
  }
  return {};
}

Status GgufReader::index_tensors(GgufFile& file, std::string_view name) {
  const auto& tensors = file.tensors_;
  const std::size_t twin =
      sort_places(file.by_name_, tensors.size(), [&](std::uint32_t place) { return tensors[place].name; });
  if (twin != tensors.size()) return fail("{}: tensor {} is there twice", name, shown(tensors[twin].name));
  return {};
}

}  // namespace aloud
