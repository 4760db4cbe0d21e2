// Unpacks the blocks of 32 values and the ternary types.
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

void add_fifth_bits(const Word32& high, std::int8_t* __restrict quant) {
  for (int i = 0; i < 32; ++i) {
    const int bit = high.bytes[i / 8] >> (i % 8) & 1;
    quant[i] = static_cast<std::int8_t>(quant[i] + bit * 16);
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
  split_nibbles(block.quants, 16, out.quant);
  add_fifth_bits(block.high, out.quant);
  set_scales(out, block.scale.value(), kNoOffset, 1);
}

void unpack_q5_1(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q5_1Block>(bytes);
  split_nibbles(block.quants, 0, out.quant);
  add_fifth_bits(block.high, out.quant);
  set_scales(out, block.scale.value(), block.offset.value(), 1);
}

void unpack_q8_0(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q8_0Block>(bytes);
  for (int i = 0; i < 32; ++i) out.quant[i] = block.quants[i];
  set_scales(out, block.scale.value(), kNoOffset, 1);
}

void unpack_mxfp4(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Mxfp4Block>(bytes);
  for (int i = 0; i < 16; ++i) out.quant[i] = kValuesMxfp4[block.quants[i] & 15];
  for (int i = 0; i < 16; ++i) out.quant[i + 16] = kValuesMxfp4[block.quants[i] >> 4];
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
