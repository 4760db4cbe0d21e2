// Helpers of the tests and the fuzz target for GGUF files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "kernels/format.h"
#include "weights/gguf.h"
#include "weights/gguf_writer.h"

namespace aloud {

// Builds GGUF bytes field by field, right or wrong.
struct RawGguf {
  std::string bytes;

  template <class T>
  RawGguf& put(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  RawGguf& u8(std::uint8_t value) { return put(value); }
  RawGguf& u32(std::uint32_t value) { return put(value); }
  RawGguf& u64(std::uint64_t value) { return put(value); }
  RawGguf& text(std::string_view value) {
    u64(value.size());
    bytes += value;
    return *this;
  }
  RawGguf& header(std::uint64_t tensors, std::uint64_t entries, std::uint32_t version = 3) {
    bytes += "GGUF";
    return u32(version).u64(tensors).u64(entries);
  }
  RawGguf& tensor(std::string_view name, const std::vector<std::uint64_t>& shape, std::uint32_t type,
                  std::uint64_t offset) {
    text(name).u32(static_cast<std::uint32_t>(shape.size()));
    for (const std::uint64_t length : shape) u64(length);
    return u32(type).u64(offset);
  }
  RawGguf& pad(std::size_t alignment = kDefaultAlignment) {
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    return *this;
  }
  RawGguf& zeros(std::size_t count) {
    bytes.append(count, '\0');
    return *this;
  }
};

inline std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

// What the writer makes, in memory.
inline std::string written_bytes(const GgufWriter& writer) {
  std::string bytes;
  const Status status = writer.write_to([&](std::span<const std::byte> piece) -> Status {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return {};
  });
  CHECK(status.has_value());
  return bytes;
}

// A small valid file: every type of value, alone and in an array, and tensors of several types and shapes.
inline GgufWriter small_file() {
  GgufWriter writer;
  writer.set("general.architecture", std::string("llama"));
  writer.set("general.alignment", std::uint32_t{64});
  writer.set("t.u8", std::uint8_t{200});
  writer.set("t.i8", std::int8_t{-100});
  writer.set("t.u16", std::uint16_t{60000});
  writer.set("t.i16", std::int16_t{-30000});
  writer.set("t.u32", std::uint32_t{4000000000});
  writer.set("t.i32", std::int32_t{-2000000000});
  writer.set("t.u64", std::uint64_t{0xFFFFFFFFFFFFFFFF});
  writer.set("t.i64", std::int64_t{-9000000000000000000});
  writer.set("t.f32", 0.5f);
  writer.set("t.f64", 0.1);
  writer.set("t.yes", true);
  writer.set("t.no", false);
  writer.set("a.u8", MetadataList{std::vector<std::uint8_t>{1, 255}});
  writer.set("a.i8", MetadataList{std::vector<std::int8_t>{-1, 127}});
  writer.set("a.u16", MetadataList{std::vector<std::uint16_t>{1, 65535}});
  writer.set("a.i16", MetadataList{std::vector<std::int16_t>{-1, 32767}});
  writer.set("a.u32", MetadataList{std::vector<std::uint32_t>{1, 4294967295}});
  writer.set("a.i32", MetadataList{std::vector<std::int32_t>{-1, 2147483647}});
  writer.set("a.u64", MetadataList{std::vector<std::uint64_t>{1, 0xFFFFFFFFFFFFFFFF}});
  writer.set("a.i64", MetadataList{std::vector<std::int64_t>{-1, 0x7FFFFFFFFFFFFFFF}});
  writer.set("a.f32", MetadataList{std::vector<float>{1.5f, -2.25f}});
  writer.set("a.f64", MetadataList{std::vector<double>{0.1, 1e300}});
  writer.set("a.bool", MetadataList{std::vector<bool>{true, false, true}});
  writer.set("a.text", MetadataList{std::vector<std::string>{"", "one", "two words"}});
  writer.set("a.none", MetadataList{std::vector<std::string>{}});
  static constexpr std::byte kZeros[1024] = {};
  const auto add = [&](std::string_view name, DType type, const std::vector<std::int64_t>& shape,
                       std::size_t bytes) {
    writer.add_tensor(name, type, shape, std::span(kZeros).first(bytes));
  };
  add("a.f32", DType::kF32, {5}, 20);
  add("b.f16", DType::kF16, {3, 2}, 12);
  add("c.q4_k", DType::kQ4_K, {256, 2}, 288);
  add("d.q8_0", DType::kQ8_0, {32, 2, 3}, 204);
  add("e.iq1_m", DType::kIQ1_M, {256, 1, 2, 2}, 224);
  return writer;
}

// Reads all that a file offers, so that a sanitizer sees any view that leaves the bytes. Returns a sum of it
// all.
inline std::uint64_t touch_everything(const GgufFile& file) {
  std::uint64_t sum = file.bytes();
  const auto touch_text = [&](std::string_view text) {
    for (const char letter : text) sum += static_cast<unsigned char>(letter);
  };
  const Metadata& metadata = file.metadata();
  for (const MetadataEntry& entry : metadata.entries()) {
    CHECK(metadata.find(entry.key) == &entry);
    touch_text(entry.key);
    touch_text(metadata.string(entry.key).value_or(""));
    sum += static_cast<std::uint64_t>(metadata.integer(entry.key).value_or(0));
    sum += metadata.real(entry.key).has_value() + metadata.boolean(entry.key).value_or(false);
    sum +=
        metadata.require_integer(entry.key, 0, 10).has_value() + metadata.require_real(entry.key).has_value();
    sum += metadata.require_string(entry.key).has_value() + metadata_value(entry).index();
    const MetadataArray* array = metadata.array(entry.key);
    for (std::size_t i = 0; array != nullptr && i < array->size; ++i) {
      if (array->is_string()) {
        touch_text(array->string(i));
      } else if (array->is_integer() || array->element == MetadataType::kBool) {
        sum += static_cast<std::uint64_t>(array->integer(i));
      } else {
        sum += array->real(i) > 0;
      }
    }
  }
  for (const Tensor& tensor : file.tensors()) {
    CHECK(file.find(tensor.name) == &tensor);
    sum += file.offset(tensor);
    touch_text(tensor.name);
    touch_text(shape_text(tensor));
    CHECK(row_bytes(tensor.type, tensor.columns()) * tensor.rows() ==
          static_cast<std::int64_t>(tensor.bytes.size()));
    for (const std::byte byte : tensor.bytes) sum += static_cast<unsigned char>(byte);
    std::vector<float> block(static_cast<std::size_t>(info(tensor.type).block_values));
    dequantize(tensor.type, tensor.bytes.data(), block);
    sum += block[0] > 0;
  }
  return sum;
}

}  // namespace aloud
