// The functions that take one block of each quantised type apart. Private to this folder; use format.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/half.h"
#include "kernels/format.h"

namespace aloud {

// format_basic.cc: blocks of 32, and the ternary types.
void unpack_q4_0(const std::byte* block, UnpackedBlock& out);
void unpack_q4_1(const std::byte* block, UnpackedBlock& out);
void unpack_q5_0(const std::byte* block, UnpackedBlock& out);
void unpack_q5_1(const std::byte* block, UnpackedBlock& out);
void unpack_q8_0(const std::byte* block, UnpackedBlock& out);
void unpack_mxfp4(const std::byte* block, UnpackedBlock& out);
void unpack_tq1_0(const std::byte* block, UnpackedBlock& out);
void unpack_tq2_0(const std::byte* block, UnpackedBlock& out);

// format_k.cc: blocks of 256 with integer sub-scales.
void unpack_q2_k(const std::byte* block, UnpackedBlock& out);
void unpack_q3_k(const std::byte* block, UnpackedBlock& out);
void unpack_q4_k(const std::byte* block, UnpackedBlock& out);
void unpack_q5_k(const std::byte* block, UnpackedBlock& out);
void unpack_q6_k(const std::byte* block, UnpackedBlock& out);

// format_iq.cc: values taken from codebooks.
void unpack_iq4_nl(const std::byte* block, UnpackedBlock& out);
void unpack_iq4_xs(const std::byte* block, UnpackedBlock& out);
void unpack_iq3_xxs(const std::byte* block, UnpackedBlock& out);
void unpack_iq3_s(const std::byte* block, UnpackedBlock& out);
void unpack_iq2_xxs(const std::byte* block, UnpackedBlock& out);
void unpack_iq2_xs(const std::byte* block, UnpackedBlock& out);
void unpack_iq2_s(const std::byte* block, UnpackedBlock& out);
void unpack_iq1_s(const std::byte* block, UnpackedBlock& out);
void unpack_iq1_m(const std::byte* block, UnpackedBlock& out);

// Blocks are described as structs of bytes in file order, so they have no padding and any alignment.
struct Half {
  std::uint8_t bytes[2];  // float16, little-endian
  float value() const { return float_from_half(static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8)); }
};

struct Word16 {
  std::uint8_t bytes[2];
  std::uint32_t value() const { return static_cast<std::uint32_t>(bytes[0] | bytes[1] << 8); }
};

struct Word32 {
  std::uint8_t bytes[4];
  std::uint32_t value() const {
    return bytes[0] | static_cast<std::uint32_t>(bytes[1]) << 8 | static_cast<std::uint32_t>(bytes[2]) << 16 |
           static_cast<std::uint32_t>(bytes[3]) << 24;
  }
};

template <class Block>
const Block& view(const std::byte* bytes) {
  static_assert(alignof(Block) == 1);
  return *reinterpret_cast<const Block*>(bytes);
}

inline constexpr std::uint64_t kByteOnes = 0x0101010101010101;

// Eight bytes: 0xFF where the bit of `bits` (8 bits) is set, else 0.
inline std::uint64_t spread_bits(std::uint64_t bits) {
  const std::uint64_t alone = bits * kByteOnes & 0x8040201008040201;
  return (((alone + 0x7F * kByteOnes) >> 7) & kByteOnes) * 0xFF;
}

// 32 values from 16 bytes through a table of pairs: value i from the low half of byte i, value i + 16 from
// the high.
inline void put_pairs(const std::uint8_t* __restrict bytes, const std::uint16_t* __restrict table,
                      std::int8_t* __restrict quant) {
  std::uint16_t pairs[16];
  for (int i = 0; i < 16; ++i) pairs[i] = table[bytes[i]];
  for (int i = 0; i < 16; ++i) quant[i] = static_cast<std::int8_t>(pairs[i] & 0xFF);
  for (int i = 0; i < 16; ++i) quant[i + 16] = static_cast<std::int8_t>(pairs[i] >> 8);
}

// x + kNoOffset is x for every x, also for -0.0.
inline constexpr float kNoOffset = -0.0f;

inline void set_no_offsets(UnpackedBlock& out, int groups) {
  for (int i = 0; i < groups; ++i) out.offset[i] = kNoOffset;
}

}  // namespace aloud
