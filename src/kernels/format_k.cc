// Unpacks the K types: blocks of 256 values whose groups have integer sub-scales.
#include "kernels/format_unpack.h"

namespace aloud {
namespace {

// In all of these the values are interleaved so that neighbours in memory lie 32 values apart.

struct Q2KBlock {
  std::uint8_t scales[16];  // group i: scale in the low four bits, offset in the high
  std::uint8_t
      quants[64];  // 32 bytes for each 128 values; two bits a value, 32 values per position in the byte
  Half scale;
  Half offset;
};
static_assert(sizeof(Q2KBlock) == 84);

struct Q3KBlock {
  std::uint8_t high[32];    // bit j of byte i: the third bit of value 32 j + i, inverted
  std::uint8_t quants[64];  // the two low bits, as in Q2_K
  std::uint8_t scales[12];  // sixteen times six bits
  Half scale;
};
static_assert(sizeof(Q3KBlock) == 110);

struct Q4KBlock {
  Half scale;
  Half offset;
  std::uint8_t scales[12];   // eight scales and eight offsets of six bits
  std::uint8_t quants[128];  // 32 bytes for each 64 values: the first 32 in the low halves
};
static_assert(sizeof(Q4KBlock) == 144);

struct Q5KBlock {
  Half scale;
  Half offset;
  std::uint8_t scales[12];
  std::uint8_t high[32];  // bit j of byte i: the fifth bit of value 32 j + i
  std::uint8_t quants[128];
};
static_assert(sizeof(Q5KBlock) == 176);

struct Q6KBlock {
  std::uint8_t low[128];  // four bits: 64 bytes for each 128 values, the first 64 in the low halves
  std::uint8_t high[64];  // two bits: 32 bytes for each 128 values, 32 values per position in the byte
  std::int8_t scales[16];
  Half scale;
};
static_assert(sizeof(Q6KBlock) == 210);

// The 6-bit scales and offsets of Q4_K and Q5_K: the first four lie in the low bits of the first eight bytes,
// the other four in the last four bytes with their two upper bits at the top of the first eight.
void set_scales_and_offsets(const std::uint8_t* __restrict packed, float scale, float offset,
                            UnpackedBlock& __restrict out) {
  std::uint8_t scales[8];
  std::uint8_t offsets[8];
  for (int i = 0; i < 4; ++i) {
    scales[i] = packed[i] & 63;
    offsets[i] = packed[i + 4] & 63;
    scales[i + 4] = static_cast<std::uint8_t>((packed[i + 8] & 15) | (packed[i] >> 6 << 4));
    offsets[i + 4] = static_cast<std::uint8_t>(packed[i + 8] >> 4 | (packed[i + 4] >> 6 << 4));
  }
  for (int i = 0; i < 8; ++i) {
    out.scale[i] = scale * static_cast<float>(scales[i]);
    out.offset[i] = -(offset * static_cast<float>(offsets[i]));
  }
}

}  // namespace

void unpack_q2_k(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q2KBlock>(bytes);
  for (int part = 0; part < 8; ++part) {
    const std::uint8_t* from = block.quants + part / 4 * 32;
    const int shift = part % 4 * 2;
    for (int i = 0; i < 32; ++i) out.quant[part * 32 + i] = static_cast<std::int8_t>(from[i] >> shift & 3);
  }
  const float scale = block.scale.value();
  const float offset = block.offset.value();
  for (int i = 0; i < 16; ++i) {
    out.scale[i] = scale * static_cast<float>(block.scales[i] & 15);
    out.offset[i] = -(offset * static_cast<float>(block.scales[i] >> 4));
  }
}

void unpack_q3_k(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q3KBlock>(bytes);
  for (int part = 0; part < 8; ++part) {
    const std::uint8_t* from = block.quants + part / 4 * 32;
    const int shift = part % 4 * 2;
    for (int i = 0; i < 32; ++i) {
      const int low = from[i] >> shift & 3;
      const int high = block.high[i] >> part & 1;
      out.quant[part * 32 + i] = static_cast<std::int8_t>(low + high * 4 - 4);
    }
  }
  const float scale = block.scale.value();
  for (int i = 0; i < 16; ++i) {
    const int low = i < 8 ? block.scales[i] & 15 : block.scales[i - 8] >> 4;
    const int high = block.scales[8 + i % 4] >> (i / 4 * 2) & 3;
    out.scale[i] = scale * static_cast<float>((low | high << 4) - 32);
  }
  set_no_offsets(out, 16);
}

void unpack_q4_k(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q4KBlock>(bytes);
  for (int pair = 0; pair < 4; ++pair) {
    const std::uint8_t* from = block.quants + pair * 32;
    std::int8_t* to = out.quant + pair * 64;
    for (int i = 0; i < 32; ++i) to[i] = static_cast<std::int8_t>(from[i] & 15);
    for (int i = 0; i < 32; ++i) to[i + 32] = static_cast<std::int8_t>(from[i] >> 4);
  }
  set_scales_and_offsets(block.scales, block.scale.value(), block.offset.value(), out);
}

void unpack_q5_k(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q5KBlock>(bytes);
  for (int pair = 0; pair < 4; ++pair) {
    const std::uint8_t* from = block.quants + pair * 32;
    std::int8_t* to = out.quant + pair * 64;
    const int shift = pair * 2;
    for (int i = 0; i < 32; ++i) {
      to[i] = static_cast<std::int8_t>((from[i] & 15) | (block.high[i] >> shift & 1) << 4);
    }
    for (int i = 0; i < 32; ++i) {
      to[i + 32] = static_cast<std::int8_t>(from[i] >> 4 | (block.high[i] >> (shift + 1) & 1) << 4);
    }
  }
  set_scales_and_offsets(block.scales, block.scale.value(), block.offset.value(), out);
}

void unpack_q6_k(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Q6KBlock>(bytes);
  for (int half = 0; half < 2; ++half) {
    const std::uint8_t* low = block.low + half * 64;
    const std::uint8_t* high = block.high + half * 32;
    std::int8_t* to = out.quant + half * 128;
    for (int i = 0; i < 32; ++i) {
      to[i] = static_cast<std::int8_t>(((low[i] & 15) | (high[i] & 3) << 4) - 32);
      to[i + 32] = static_cast<std::int8_t>(((low[i + 32] & 15) | (high[i] >> 2 & 3) << 4) - 32);
      to[i + 64] = static_cast<std::int8_t>((low[i] >> 4 | (high[i] >> 4 & 3) << 4) - 32);
      to[i + 96] = static_cast<std::int8_t>((low[i + 32] >> 4 | high[i] >> 6 << 4) - 32);
    }
  }
  const float scale = block.scale.value();
  for (int i = 0; i < 16; ++i) out.scale[i] = scale * static_cast<float>(block.scales[i]);
  set_no_offsets(out, 16);
}

}  // namespace aloud
