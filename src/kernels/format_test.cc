// Tests of the weight formats: bit for bit against values that another program computed.
#include "kernels/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "base/half.h"

namespace aloud {
namespace {

std::string read_data(const std::string& name) {
  std::ifstream file(std::string(ALOUD_TEST_DATA) + "/dequantize/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint64_t fnv1a(const void* data, std::size_t size) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (std::size_t i = 0; i < size; ++i)
    hash = (hash ^ static_cast<const std::uint8_t*>(data)[i]) * 0x100000001B3;
  return hash;
}

std::uint32_t bits_of(float value) { return __builtin_bit_cast(std::uint32_t, value); }

const std::byte* bytes_of(const std::string& text) { return reinterpret_cast<const std::byte*>(text.data()); }

struct Reference {
  std::string type;
  std::size_t values = 0;
  std::uint64_t hash = 0;
};

std::vector<Reference> references() {
  std::ifstream file(std::string(ALOUD_TEST_DATA) + "/dequantize/sums.txt");
  std::vector<Reference> all;
  for (Reference one; file >> one.type >> one.values >> std::hex >> one.hash >> std::dec;) all.push_back(one);
  return all;
}

TEST(format, every_type_is_reproduced_bit_for_bit) {
  const auto all = references();
  ASSERT_EQ(all.size(), 23u);  // every type but F32 and F16
  for (const Reference& reference : all) {
    const DTypeInfo* type = find_dtype(reference.type);
    ASSERT_NE(type, nullptr) << reference.type;
    const std::string blocks = read_data(reference.type + ".blocks");
    ASSERT_EQ(row_bytes(type->type, static_cast<std::int64_t>(reference.values)),
              static_cast<std::int64_t>(blocks.size()));
    std::vector<float> values(reference.values);
    dequantize(type->type, bytes_of(blocks), values);
    const std::string first = read_data(reference.type + ".f32");
    ASSERT_GE(first.size(), 512u * 4);
    for (std::size_t i = 0; i < first.size() / 4; ++i) {
      float expected = 0;
      std::memcpy(&expected, first.data() + 4 * i, 4);
      ASSERT_EQ(bits_of(values[i]), bits_of(expected))
          << reference.type << " value " << i << ": " << values[i] << " expected " << expected;
    }
    EXPECT_EQ(fnv1a(values.data(), 4 * values.size()), reference.hash) << reference.type;
  }
}

TEST(format, floats_are_widened) {
  const std::vector<float> values = {0.0f, -0.0f, 1.5f, -3.25f, 65504.0f, 6e-8f};
  std::vector<std::uint16_t> halves;
  for (const float value : values) halves.push_back(half_from_float(value));
  std::vector<float> out(values.size());
  dequantize(DType::kF16, reinterpret_cast<const std::byte*>(halves.data()), out);
  for (std::size_t i = 0; i < out.size(); ++i)
    EXPECT_EQ(bits_of(out[i]), bits_of(float_from_half(halves[i])));
  dequantize(DType::kF32, reinterpret_cast<const std::byte*>(values.data()), out);
  for (std::size_t i = 0; i < out.size(); ++i) EXPECT_EQ(bits_of(out[i]), bits_of(values[i]));
}

TEST(format, the_table_has_every_quantised_type_once) {
  for (const DTypeInfo& type : all_dtypes()) {
    const Format* format = find_format(type.type);
    ASSERT_EQ(format != nullptr, !is_float(type.type)) << type.name;
    if (format == nullptr) continue;
    EXPECT_EQ(format->type, type.type);
    EXPECT_TRUE(format->group == 16 || format->group == 32) << type.name;
    EXPECT_NE(format->unpack, nullptr);
  }
  EXPECT_EQ(all_formats().size() + 3, all_dtypes().size());
}

// What the contract promises of any block, also of bytes that no quantiser writes.
TEST(format, random_blocks_unpack_to_what_the_contract_says) {
  std::mt19937 random(7);
  for (const Format& format : all_formats()) {
    const DTypeInfo& type = info(format.type);
    const auto values = static_cast<std::size_t>(type.block_values);
    // One byte off, so that any alignment is seen to do.
    std::vector<std::byte> bytes(static_cast<std::size_t>(type.block_bytes) + 1);
    for (int round = 0; round < 200; ++round) {
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
      UnpackedBlock first;
      UnpackedBlock second;
      std::memset(&first, 0x55, sizeof first);
      std::memset(&second, 0xAA, sizeof second);
      format.unpack(bytes.data() + 1, first);
      format.unpack(bytes.data() + 1, second);
      std::vector<float> expanded(values);
      dequantize(format.type, bytes.data() + 1, expanded);
      for (std::size_t i = 0; i < values; ++i) {
        const std::size_t group = i / static_cast<std::size_t>(format.group);
        ASSERT_EQ(first.quant[i], second.quant[i]) << type.name << ": value " << i << " is not written";
        ASSERT_EQ(bits_of(first.scale[group]), bits_of(second.scale[group]))
            << type.name << " group " << group;
        ASSERT_EQ(bits_of(first.offset[group]), bits_of(second.offset[group]))
            << type.name << " group " << group;
        if (!format.has_offset) {
          ASSERT_EQ(first.offset[group], 0.0f) << type.name;
        }
        const float product = first.scale[group] * static_cast<float>(first.quant[i]);
        const float value = format.has_offset ? product + first.offset[group] : product;
        ASSERT_TRUE(bits_of(value) == bits_of(expanded[i]) || (std::isnan(value) && std::isnan(expanded[i])))
            << type.name << " value " << i << ": " << value << " and " << expanded[i];
      }
      // Nothing beyond the block's own values is touched.
      if (values < kMaxBlockValues) {
        ASSERT_EQ(first.quant[values], 0x55) << type.name;
      }
    }
  }
}

}  // namespace
}  // namespace aloud
