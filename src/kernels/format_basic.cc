// Unpacks the blocks of 32 values and the ternary types.
#include <cstring>

#include "kernels/codebooks_table.h"
#include "kernels/format_unpack.h"

namespace aloud {
namespace {

struct Q4_0Block {
  Half scale;
  std::uint8_t quants[16];  // byte i: value i in the low half, value i + 16 in the high
};
static_assert(sizeof(Q4_0Block) == 18);

struct Q4_1Block {
  Half scale;
  Half offset;
  std::uint8_t quants[16];
};
static_assert(sizeof(Q4_1Block) == 20);

struct Q5_0Block {
  Half scale;
  Word32 high;  // bit i: the fifth bit of value i
  std::uint8_t quants[16];
};
static_assert(sizeof(Q5_0Block) == 22);

struct Q5_1Block {
  Half scale;
  Half offset;
  Word32 high;
  std::uint8_t quants[16];
};
static_assert(sizeof(Q5_1Block) == 24);

struct Q8_0Block {
  Half scale;
  std::int8_t quants[32];
};
static_assert(sizeof(Q8_0Block) == 34);

struct Mxfp4Block {
  std::uint8_t exponent;  // of two, biased by 127
  std::uint8_t quants[16];
};
static_assert(sizeof(Mxfp4Block) == 17);

struct Tq1_0Block {
  std::uint8_t five[48];  // five ternary digits a byte, the first 32 bytes then the other 16, digit by digit
  std::uint8_t four[4];   // four ternary digits a byte
  Half scale;
};
static_assert(sizeof(Tq1_0Block) == 54);

struct Tq2_0Block {
  std::uint8_t
      quants[64];  // two bits a value: 32 bytes for each 128 values, 32 values per position in the byte
  Half scale;
};
static_assert(sizeof(Tq2_0Block) == 66);

void split_nibbles(const std::uint8_t* __restrict bytes, int bias, std::int8_t* __restrict quant) {
  for (int i = 0; i < 16; ++i) quant[i] = static_cast<std::int8_t>((bytes[i] & 15) - bias);
  for (int i = 0; i < 16; ++i) quant[i + 16] = static_cast<std::int8_t>((bytes[i] >> 4) - bias);
}

// Value i has four bits in a nibble and the fifth in bit i of `high`. Eight values at a time: `absent` is
// or-ed to those whose fifth bit is 0, `present` to the others. Minus 16 turns a missing fifth bit into 0xF0
// and a present one into nothing.
void join_fifth_bits(const std::uint8_t* __restrict bytes, const Word32& high, std::uint64_t absent,
                     std::uint64_t present, std::int8_t* __restrict quant) {
  for (int i = 0; i < 2; ++i) {
    std::uint64_t nibbles = 0;
    std::memcpy(&nibbles, bytes + 8 * i, sizeof nibbles);
    const std::uint64_t low_mask = spread_bits(high.bytes[i]);
    const std::uint64_t high_mask = spread_bits(high.bytes[i + 2]);
    const std::uint64_t fifth_low = (~low_mask & absent) | (low_mask & present);
    const std::uint64_t fifth_high = (~high_mask & absent) | (high_mask & present);
    const std::uint64_t low = (nibbles & 15 * kByteOnes) | fifth_low;
    const std::uint64_t upper = (nibbles >> 4 & 15 * kByteOnes) | fifth_high;
    std::memcpy(quant + 8 * i, &low, sizeof low);
    std::memcpy(quant + 8 * i + 16, &upper, sizeof upper);
  }
}

void set_scales(UnpackedBlock& out, float scale, float offset, int groups) {
  for (int i = 0; i < groups; ++i) {
    out.scale[i] = scale;
    out.offset[i] = offset;
  }
}

// Digit number `digit` of each byte: a byte holds a fraction of 256 whose base-3 expansion is the digits.
void take_trits(const std::uint8_t* __restrict bytes, int count, unsigned power,
                std::int8_t* __restrict quant) {
  for (int i = 0; i < count; ++i) {
    const unsigned fraction = bytes[i] * power & 0xFF;
    quant[i] = static_cast<std::int8_t>(static_cast<int>(fraction * 3 >> 8) - 1);
  }
}

}  // namespace

void unpack_q4_0(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q4_0Block>(bytes);
  split_nibbles(block.quants, 8, out.quant);
  set_scales(out, block.scale.value(), kNoOffset, 1);
}

void unpack_q4_1(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q4_1Block>(bytes);
  split_nibbles(block.quants, 0, out.quant);
  set_scales(out, block.scale.value(), block.offset.value(), 1);
}

void unpack_q5_0(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q5_0Block>(bytes);
  join_fifth_bits(block.quants, block.high, 0xF0 * kByteOnes, 0, out.quant);
  set_scales(out, block.scale.value(), kNoOffset, 1);
}

void unpack_q5_1(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q5_1Block>(bytes);
  join_fifth_bits(block.quants, block.high, 0, 0x10 * kByteOnes, out.quant);
  set_scales(out, block.scale.value(), block.offset.value(), 1);
}

void unpack_q8_0(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q8_0Block>(bytes);
  for (int i = 0; i < 32; ++i) out.quant[i] = block.quants[i];
  set_scales(out, block.scale.value(), kNoOffset, 1);
}

void unpack_mxfp4(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Mxfp4Block>(bytes);
  put_pairs(block.quants, kPairsMxfp4, out.quant);
  // 2^(exponent - 128), half of the exponent's meaning because the table holds doubled values; subnormal
  // below 2.
  const std::uint32_t exponent = block.exponent;
  const std::uint32_t bits = exponent < 2 ? 0x00200000u << exponent : (exponent - 1) << 23;
  set_scales(out, __builtin_bit_cast(float, bits), kNoOffset, 1);
}

void unpack_tq1_0(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  constexpr unsigned kPowers[] = {1, 3, 9, 27, 81};
  const auto& block = view<Tq1_0Block>(bytes);
  for (int digit = 0; digit < 5; ++digit) take_trits(block.five, 32, kPowers[digit], out.quant + 32 * digit);
  for (int digit = 0; digit < 5; ++digit) {
    take_trits(block.five + 32, 16, kPowers[digit], out.quant + 160 + 16 * digit);
  }
  for (int digit = 0; digit < 4; ++digit)
    take_trits(block.four, 4, kPowers[digit], out.quant + 240 + 4 * digit);
  set_scales(out, block.scale.value(), kNoOffset, 8);
}

void unpack_tq2_0(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Tq2_0Block>(bytes);
  for (int part = 0; part < 8; ++part) {
    const std::uint8_t* from = block.quants + part / 4 * 32;
    const int shift = part % 4 * 2;
    for (int i = 0; i < 32; ++i)
      out.quant[part * 32 + i] = static_cast<std::int8_t>((from[i] >> shift & 3) - 1);
  }
  set_scales(out, block.scale.value(), kNoOffset, 8);
}

}  // namespace aloud
