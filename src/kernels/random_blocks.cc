// Random bits everywhere, then sane float scales where each type keeps them.
#include "kernels/random_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/half.h"
#include "kernels/format.h"

namespace aloud {
namespace {

// Marsaglia's xorshift64, multiplied: weights need no better.
class Generator {
 public:
  explicit Generator(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 0x2545F4914F6CDD1Du) {
    if (state_ == 0) state_ = 1;
  }
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Du;
  }

 private:
  std::uint64_t state_;
};

// Where a block keeps its float16 scale and, if it has one, its float16 minimum or offset (-1: none), and
// that as a multiple of the scale that brings the mean to zero.
struct ScalePlace {
  DType type;
  int scale;
  int minimum;
  float minimum_factor;
};

constexpr ScalePlace kPlaces[] = {
    {DType::kQ4_0, 0, -1, 0},     {DType::kQ4_1, 0, 2, -7.5f}, {DType::kQ5_0, 0, -1, 0},
    {DType::kQ5_1, 0, 2, -15.5f}, {DType::kQ8_0, 0, -1, 0},    {DType::kQ2_K, 80, 82, 1.5f},
    {DType::kQ3_K, 108, -1, 0},   {DType::kQ4_K, 0, 2, 7.5f},  {DType::kQ5_K, 0, 2, 15.5f},
    {DType::kQ6_K, 208, -1, 0},   {DType::kIQ2_XXS, 0, -1, 0}, {DType::kIQ2_XS, 0, -1, 0},
    {DType::kIQ3_XXS, 0, -1, 0},  {DType::kIQ1_S, 0, -1, 0},   {DType::kIQ4_NL, 0, -1, 0},
    {DType::kIQ3_S, 0, -1, 0},    {DType::kIQ2_S, 0, -1, 0},   {DType::kIQ4_XS, 0, -1, 0},
    {DType::kTQ1_0, 52, -1, 0},   {DType::kTQ2_0, 64, -1, 0},
};

void put_half(std::byte* place, float value) {
  const std::uint16_t half = half_from_float(value);
  std::memcpy(place, &half, sizeof half);
}

// IQ1_M spreads its float16 scale over the top four bits of four words at the end of the block.
void put_iq1_m_scale(std::byte* block, float value) {
  const std::uint16_t half = half_from_float(value);
  for (int i = 0; i < 4; ++i) {
    std::byte& high = block[48 + 2 * i + 1];
    high = (high & std::byte{0x0F}) | static_cast<std::byte>((half >> (4 * i) & 0x0F) << 4);
  }
}

// TQ2_0 has three values in two bits: of the codes, 3 becomes 1.
void drop_fourth_codes(std::byte* block) {
  for (int i = 0; i < 64; ++i) block[i] &= ~((block[i] & std::byte{0x55}) << 1);
}

void finish_block(DType type, std::byte* block, float scale) {
  if (type == DType::kTQ2_0) drop_fourth_codes(block);
  if (type == DType::kIQ1_M) return put_iq1_m_scale(block, scale);
  if (type == DType::kMXFP4) {  // a power of two, 2^(byte - 127)
    block[0] = static_cast<std::byte>(std::clamp(std::ilogb(scale) + 127, 1, 254));
    return;
  }
  const auto place =
      std::find_if(std::begin(kPlaces), std::end(kPlaces), [&](const auto& p) { return p.type == type; });
  CHECK(place != std::end(kPlaces));
  put_half(block + place->scale, scale);
  if (place->minimum >= 0) put_half(block + place->minimum, scale * place->minimum_factor);
}

void fill_bits(Generator& generator, std::span<std::byte> bytes) {
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    const std::uint64_t bits = generator.next();
    std::memcpy(bytes.data() + at, &bits, 8);
  }
  const std::uint64_t bits = generator.next();
  std::memcpy(bytes.data() + at, &bits, bytes.size() - at);
}

// The standard deviation of a type's values when the blocks' scales are 1, from a sample.
float unit_deviation(DType type) {
  constexpr int kBlocks = 64;
  const DTypeInfo& format = info(type);
  std::vector<std::byte> blocks(kBlocks * format.block_bytes);
  std::vector<float> values(kBlocks * format.block_values);
  Generator generator(1);
  fill_bits(generator, blocks);
  for (int b = 0; b < kBlocks; ++b) finish_block(type, blocks.data() + b * format.block_bytes, 1.0f);
  dequantize(type, blocks.data(), values);
  double squares = 0;
  for (const float value : values) squares += double{value} * value;
  return static_cast<float>(std::sqrt(squares / static_cast<double>(values.size())));
}

// Uniform in [-1, 1).
float uniform(std::uint32_t bits) { return static_cast<float>(static_cast<std::int32_t>(bits)) * 0x1p-31f; }

void random_floats(DType type, Generator& generator, std::span<std::byte> bytes, float magnitude) {
  const float range = magnitude * std::sqrt(3.0f);
  const std::size_t size = type == DType::kF32 ? 4 : 2;
  for (std::size_t at = 0; at + size <= bytes.size(); at += size) {
    const float value = uniform(static_cast<std::uint32_t>(generator.next() >> 32)) * range;
    const std::uint16_t narrow = type == DType::kF16 ? half_from_float(value) : bfloat_from_float(value);
    std::memcpy(bytes.data() + at, type == DType::kF32 ? static_cast<const void*>(&value) : &narrow, size);
  }
}

}  // namespace

void random_blocks(DType type, std::uint64_t seed, std::span<std::byte> blocks, float magnitude) {
  Generator generator(seed);
  if (is_float(type)) return random_floats(type, generator, blocks, magnitude);
  fill_bits(generator, blocks);
  const float scale = magnitude / unit_deviation(type);
  const std::size_t block_bytes = info(type).block_bytes;
  for (std::size_t at = 0; at + block_bytes <= blocks.size(); at += block_bytes) {
    const float variation = 1.0f + 0.25f * uniform(static_cast<std::uint32_t>(generator.next() >> 32));
    finish_block(type, blocks.data() + at, scale * variation);
  }
}

}  // namespace aloud
