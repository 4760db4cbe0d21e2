// Lays out the header, the tensors' descriptions and the tensors of a GGUF file.
#include "weights/gguf_writer.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <set>
#include <type_traits>

#include "base/atomic_file.h"
#include "base/check.h"
#include "base/printable.h"

namespace aloud {
namespace {

constexpr std::string_view kAlignmentKey = "general.alignment";

std::span<const std::byte> bytes_of(const auto& value) { return std::as_bytes(std::span(&value, 1)); }

// Builds the part before the tensors.
class HeaderBytes {
 public:
  template <class T>
  void put(const T& value) {
    static_assert(std::is_arithmetic_v<T>);
    const auto bytes = bytes_of(value);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void put(bool value) { put(static_cast<std::uint8_t>(value ? 1 : 0)); }
  void put(const std::string& text) {
    put(std::uint64_t{text.size()});
    const auto bytes = std::as_bytes(std::span(text));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void put(std::monostate) {}
  template <class T>
  void put(const std::vector<T>& values) {
    put(std::uint64_t{values.size()});
    for (const T value : values) put(value);
  }
  void put(const std::vector<std::string>& values) {
    put(std::uint64_t{values.size()});
    for (const std::string& value : values) put(value);
  }
  void put(const MetadataList& list) {
    put(static_cast<std::uint32_t>(list.index()));
    std::visit([&](const auto& values) { put(values); }, list);
  }
  void pad(std::uint64_t alignment) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment);
  }

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

std::uint64_t padding(std::uint64_t size, std::uint64_t alignment) {
  return (alignment - size % alignment) % alignment;
}

template <class T>
std::vector<T> list_of(const MetadataArray& array) {
  std::vector<T> values;
  values.reserve(array.size);
  for (std::size_t i = 0; i < array.size; ++i) {
    if constexpr (std::is_same_v<T, std::string>) {
      values.emplace_back(array.string(i));
    } else if constexpr (std::is_floating_point_v<T>) {
      values.push_back(static_cast<T>(array.real(i)));
    } else if constexpr (std::is_same_v<T, std::uint64_t>) {
      values.push_back(array.unsigned_integer(i));
    } else {
      values.push_back(static_cast<T>(array.integer(i)));
    }
  }
  return values;
}

MetadataList list_value(const MetadataArray& array) {
  switch (array.element) {
    case MetadataType::kUint8:
      return list_of<std::uint8_t>(array);
    case MetadataType::kInt8:
      return list_of<std::int8_t>(array);
    case MetadataType::kUint16:
      return list_of<std::uint16_t>(array);
    case MetadataType::kInt16:
      return list_of<std::int16_t>(array);
    case MetadataType::kUint32:
      return list_of<std::uint32_t>(array);
    case MetadataType::kInt32:
      return list_of<std::int32_t>(array);
    case MetadataType::kFloat32:
      return list_of<float>(array);
    case MetadataType::kBool:
      return list_of<bool>(array);
    case MetadataType::kString:
      return list_of<std::string>(array);
    case MetadataType::kArray:
      break;
    case MetadataType::kUint64:
      return list_of<std::uint64_t>(array);
    case MetadataType::kInt64:
      return list_of<std::int64_t>(array);
    case MetadataType::kFloat64:
      return list_of<double>(array);
  }
  CHECK(false && "the reader lets no array of arrays through");
  return {};
}

}  // namespace

MetadataValue metadata_value(const MetadataEntry& entry) {
  const auto integer = [&] { return std::get<std::int64_t>(entry.value); };
  switch (entry.type) {
    case MetadataType::kUint8:
      return static_cast<std::uint8_t>(integer());
    case MetadataType::kInt8:
      return static_cast<std::int8_t>(integer());
    case MetadataType::kUint16:
      return static_cast<std::uint16_t>(integer());
    case MetadataType::kInt16:
      return static_cast<std::int16_t>(integer());
    case MetadataType::kUint32:
      return static_cast<std::uint32_t>(integer());
    case MetadataType::kInt32:
      return static_cast<std::int32_t>(integer());
    case MetadataType::kFloat32:
      return static_cast<float>(std::get<double>(entry.value));
    case MetadataType::kBool:
      return std::get<bool>(entry.value);
    case MetadataType::kString:
      return std::string(std::get<std::string_view>(entry.value));
    case MetadataType::kArray:
      return list_value(std::get<MetadataArray>(entry.value));
    case MetadataType::kUint64:
      return std::get<std::uint64_t>(entry.value);
    case MetadataType::kInt64:
      return integer();
    case MetadataType::kFloat64:
      return std::get<double>(entry.value);
  }
  CHECK(false && "the reader lets no other type through");
  return {};
}

void GgufWriter::set(std::string_view key, MetadataValue value) {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(), [&](const auto& e) { return e.first == key; });
  if (found != entries_.end()) {
    found->second = std::move(value);
  } else {
    entries_.emplace_back(key, std::move(value));
  }
}

void GgufWriter::add_tensor(std::string_view name, DType type, std::span<const std::int64_t> shape,
                            std::span<const std::byte> bytes) {
  add_tensor(name, type, shape, [bytes](const PutBytes& put) { return put(bytes); });
}

void GgufWriter::add_tensor(std::string_view name, DType type, std::span<const std::int64_t> shape,
                            TensorProducer producer) {
  tensors_.push_back({std::string(name), type, {shape.begin(), shape.end()}, std::move(producer)});
}

Result<std::uint64_t> GgufWriter::alignment() const {
  for (const auto& [key, value] : entries_) {
    if (key != kAlignmentKey) continue;
    const auto* alignment = std::get_if<std::uint32_t>(&value);
    if (alignment == nullptr || !std::has_single_bit(*alignment) || *alignment < 8 ||
        *alignment > kMaxAlignment) {
      return fail("metadata {}: expected a uint32, a power of two from 8 to {}", kAlignmentKey,
                  kMaxAlignment);
    }
    return *alignment;
  }
  return kDefaultAlignment;
}

Result<std::uint64_t> GgufWriter::tensor_bytes(const PlannedTensor& tensor) const {
  const DTypeInfo& format = info(tensor.type);
  if (tensor.shape.empty() || tensor.shape.size() > 4) {
    return fail("tensor {}: {} dimensions, expected 1 to 4", printable(tensor.name), tensor.shape.size());
  }
  std::int64_t values = 1;
  for (const std::int64_t length : tensor.shape) {
    if (length <= 0 || __builtin_mul_overflow(values, length, &values)) {
      return fail("tensor {}: impossible length {}", printable(tensor.name), length);
    }
  }
  if (tensor.shape[0] % format.block_values != 0) {
    return fail("tensor {}: rows of {} values, expected a multiple of {} for {}", printable(tensor.name),
                tensor.shape[0], format.block_values, format.name);
  }
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(values / format.block_values, format.block_bytes, &bytes)) {
    return fail("tensor {}: too large", printable(tensor.name));
  }
  return static_cast<std::uint64_t>(bytes);
}

Status GgufWriter::check_names() const {
  if (entries_.size() > kMaxMetadataEntries)
    return fail("more than {} metadata entries", kMaxMetadataEntries);
  if (tensors_.size() > kMaxTensors) return fail("more than {} tensors", kMaxTensors);
  for (const auto& [key, value] : entries_) {
    if (key.empty() || key.size() > kMaxMetadataKeyBytes) {
      return fail("a metadata key of {} bytes, expected 1 to {}", key.size(), kMaxMetadataKeyBytes);
    }
    const auto* list = std::get_if<MetadataList>(&value);
    if (list != nullptr && std::holds_alternative<std::monostate>(*list)) {
      return fail("metadata {}: a list of nothing known", printable(key));
    }
  }
  std::set<std::string_view> names;
  for (const PlannedTensor& tensor : tensors_) {
    if (tensor.name.empty() || tensor.name.size() > kMaxTensorNameBytes) {
      return fail("a tensor name of {} bytes, expected 1 to {}", tensor.name.size(), kMaxTensorNameBytes);
    }
    if (!names.insert(tensor.name).second) return fail("tensor {} is there twice", printable(tensor.name));
  }
  return {};
}

Status GgufWriter::put_tensor(const PlannedTensor& tensor, std::uint64_t bytes, const PutBytes& put) const {
  std::uint64_t done = 0;
  TRY(tensor.producer([&](std::span<const std::byte> piece) -> Status {
    if (piece.size() > bytes - done) {
      return fail("tensor {}: more than the {} bytes of its shape", printable(tensor.name), bytes);
    }
    done += piece.size();
    return put(piece);
  }));
  if (done != bytes) return fail("tensor {}: {} bytes, expected {}", printable(tensor.name), done, bytes);
  return {};
}

Status GgufWriter::write_to(const PutBytes& put) const {
  TRY(check_names());
  TRY_ASSIGN(const std::uint64_t alignment_bytes, alignment());
  HeaderBytes header;
  for (const char letter : {'G', 'G', 'U', 'F'}) header.put(letter);
  header.put(std::uint32_t{3});
  header.put(std::uint64_t{tensors_.size()});
  header.put(std::uint64_t{entries_.size()});
  for (const auto& [key, value] : entries_) {
    header.put(key);
    header.put(static_cast<std::uint32_t>(value.index()));
    std::visit([&](const auto& one) { header.put(one); }, value);
  }
  std::vector<std::uint64_t> sizes;
  std::uint64_t offset = 0;
  for (const PlannedTensor& tensor : tensors_) {
    TRY_ASSIGN(const std::uint64_t size, tensor_bytes(tensor));
    sizes.push_back(size);
    header.put(tensor.name);
    header.put(static_cast<std::uint32_t>(tensor.shape.size()));
    for (const std::int64_t length : tensor.shape) header.put(static_cast<std::uint64_t>(length));
    header.put(static_cast<std::uint32_t>(tensor.type));
    header.put(offset);
    if (size > std::numeric_limits<std::int64_t>::max() - kMaxAlignment - offset)
      return fail("too many bytes");
    offset += size + padding(size, alignment_bytes);
  }
  if (!tensors_.empty()) header.pad(alignment_bytes);
  TRY(put(header.bytes()));
  const std::vector<std::byte> zeros(alignment_bytes);
  for (std::size_t i = 0; i < tensors_.size(); ++i) {
    TRY(put_tensor(tensors_[i], sizes[i], put));
    TRY(put(std::span(zeros).first(padding(sizes[i], alignment_bytes))));
  }
  return {};
}

Status GgufWriter::write(const std::string& path) const {
  TRY_ASSIGN(AtomicFile file, AtomicFile::create(path));
  const Status written = write_to([&](std::span<const std::byte> bytes) { return file.append(bytes); });
  if (!written) return fail("{}: {}", printable(path), written.error().message);
  return file.commit();
}

}  // namespace aloud
