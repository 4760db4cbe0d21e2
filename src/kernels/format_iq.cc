// Unpacks the IQ types: groups of 4 or 8 values are entries of codebooks, with signs and scales beside them.
#include <cstring>

#include "kernels/codebooks_table.h"
#include "kernels/format_unpack.h"

namespace aloud {
namespace {

// A "part" is 32 values, the eighth of a block.

struct Iq4NlBlock {
  Half scale;
  std::uint8_t quants[16];
};
static_assert(sizeof(Iq4NlBlock) == 18);

struct Iq4XsBlock {
  Half scale;
  Word16 scales_high;          // two bits a part
  std::uint8_t scales_low[4];  // four bits a part
  std::uint8_t quants[128];    // 16 bytes a part: value i in the low half, value i + 16 in the high
};
static_assert(sizeof(Iq4XsBlock) == 136);

struct Iq3XxsBlock {
  Half scale;
  std::uint8_t quants[64];    // an entry of four values each
  Word32 signs_and_scale[8];  // four times seven bits of signs, four bits of scale
};
static_assert(sizeof(Iq3XxsBlock) == 98);

struct Iq3SBlock {
  Half scale;
  std::uint8_t quants[64];  // an entry of four values each, low eight bits
  std::uint8_t high[8];     // bit i of a part: the ninth bit of its entry i
  std::uint8_t signs[32];   // bit i: value i is negative
  std::uint8_t scales[4];   // four bits a part
};
static_assert(sizeof(Iq3SBlock) == 110);

struct Iq2XxsPart {
  std::uint8_t quants[4];  // an entry of eight values each
  Word32 signs_and_scale;
};

struct Iq2XxsBlock {
  Half scale;
  Iq2XxsPart parts[8];
};
static_assert(sizeof(Iq2XxsBlock) == 66);

struct Iq2XsBlock {
  Half scale;
  Word16 quants[32];       // nine bits of entry, seven of signs
  std::uint8_t scales[8];  // four bits for each 16 values
};
static_assert(sizeof(Iq2XsBlock) == 74);

struct Iq2SBlock {
  Half scale;
  std::uint8_t quants[32];  // an entry of eight values each, low eight bits
  std::uint8_t signs[32];
  std::uint8_t high[8];    // two bits an entry
  std::uint8_t scales[8];  // four bits for each 16 values
};
static_assert(sizeof(Iq2SBlock) == 82);

struct Iq1SBlock {
  Half scale;
  std::uint8_t quants[32];  // an entry of eight values each, low eight bits
  Word16 high[8];  // a part's four times three upper bits, three bits of scale, the sign of the shift
};
static_assert(sizeof(Iq1SBlock) == 50);

struct Iq1MBlock {
  std::uint8_t quants[32];
  std::uint8_t high[16];  // four bits an entry: three upper bits, the sign of the shift
  Word16 scales[4];  // four times three bits of scale for 16 values each; the top four bits form the scale of
                     // all
};
static_assert(sizeof(Iq1MBlock) == 56);

// Eight positive magnitudes, negated where the bit is set. None is zero, so no borrow crosses bytes.
void put_signed(std::uint64_t magnitudes, std::uint32_t signs, std::int8_t* __restrict quant) {
  const std::uint64_t mask = spread_bits(signs);
  const std::uint64_t values = (magnitudes ^ mask) + (mask & kByteOnes);
  std::memcpy(quant, &values, sizeof values);
}

std::uint64_t pair(std::uint32_t low, std::uint32_t high) {
  return low | static_cast<std::uint64_t>(high) << 32;
}

// The scale of the 2-bit and 3-bit types: factor * (1/2 + bits) * scale, every step exact.
float fine_scale(float scale, std::uint32_t bits, float factor) {
  return scale * (0.5f + static_cast<float>(bits)) * factor;
}

// The 1-bit types' values are entry +- 1/8; in eighths they are integers: the table holds 8 * entry.
void put_shifted(const std::uint32_t (&entries)[4], const bool (&down)[4], std::int8_t* __restrict quant) {
  std::int8_t shift[32];
  for (int i = 0; i < 4; ++i) {
    std::memcpy(quant + 8 * i, &kGridIq1[entries[i]], 8);
    std::memset(shift + 8 * i, down[i] ? -1 : 1, 8);
  }
  for (int i = 0; i < 32; ++i) quant[i] = static_cast<std::int8_t>(quant[i] + shift[i]);
}

float odd_scale(float scale, std::uint32_t bits) {
  return scale * static_cast<float>(2 * (bits & 7) + 1) * 0.125f;
}

}  // namespace

void unpack_iq4_nl(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Iq4NlBlock>(bytes);
  put_pairs(block.quants, kPairsIq4Nl, out.quant);
  out.scale[0] = block.scale.value();
  set_no_offsets(out, 1);
}

void unpack_iq4_xs(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Iq4XsBlock>(bytes);
  const float scale = block.scale.value();
  const std::uint32_t high = block.scales_high.value();
  for (int part = 0; part < 8; ++part) {
    put_pairs(block.quants + part * 16, kPairsIq4Nl, out.quant + part * 32);
    const std::uint32_t low = block.scales_low[part / 2] >> (part % 2 * 4) & 15;
    const std::uint32_t bits = low | (high >> (part * 2) & 3) << 4;
    out.scale[part] = scale * static_cast<float>(static_cast<int>(bits) - 32);
  }
  set_no_offsets(out, 8);
}

void unpack_iq3_xxs(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Iq3XxsBlock>(bytes);
  const float scale = block.scale.value();
  for (int part = 0; part < 8; ++part) {
    const std::uint32_t word = block.signs_and_scale[part].value();
    const std::uint8_t* from = block.quants + part * 8;
    for (int i = 0; i < 4; ++i) {
      const std::uint64_t magnitudes = pair(kGridIq3Xxs[from[2 * i]], kGridIq3Xxs[from[2 * i + 1]]);
      put_signed(magnitudes, kSigns[word >> (7 * i) & 127], out.quant + part * 32 + i * 8);
    }
    out.scale[part] = fine_scale(scale, word >> 28, 0.5f);
  }
  set_no_offsets(out, 8);
}

void unpack_iq3_s(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Iq3SBlock>(bytes);
  const float scale = block.scale.value();
  for (int part = 0; part < 8; ++part) {
    const std::uint32_t high = block.high[part];
    const std::uint8_t* from = block.quants + part * 8;
    for (int i = 0; i < 4; ++i) {
      const std::uint32_t first = from[2 * i] | (high >> (2 * i) & 1) << 8;
      const std::uint32_t second = from[2 * i + 1] | (high >> (2 * i + 1) & 1) << 8;
      put_signed(pair(kGridIq3S[first], kGridIq3S[second]), block.signs[part * 4 + i],
                 out.quant + part * 32 + i * 8);
    }
    const std::uint32_t bits = block.scales[part / 2] >> (part % 2 * 4) & 15;
    out.scale[part] = scale * static_cast<float>(1 + 2 * bits);
  }
  set_no_offsets(out, 8);
}

void unpack_iq2_xxs(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Iq2XxsBlock>(bytes);
  const float scale = block.scale.value();
  for (int part = 0; part < 8; ++part) {
    const std::uint32_t word = block.parts[part].signs_and_scale.value();
    for (int i = 0; i < 4; ++i) {
      put_signed(kGridIq2Xxs[block.parts[part].quants[i]], kSigns[word >> (7 * i) & 127],
                 out.quant + part * 32 + i * 8);
    }
    out.scale[part] = fine_scale(scale, word >> 28, 0.25f);
  }
  set_no_offsets(out, 8);
}

void unpack_iq2_xs(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Iq2XsBlock>(bytes);
  const float scale = block.scale.value();
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t word = block.quants[i].value();
    put_signed(kGridIq2Xs[word & 511], kSigns[word >> 9], out.quant + i * 8);
  }
  for (int i = 0; i < 16; ++i)
    out.scale[i] = fine_scale(scale, block.scales[i / 2] >> (i % 2 * 4) & 15, 0.25f);
  set_no_offsets(out, 16);
}

void unpack_iq2_s(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Iq2SBlock>(bytes);
  const float scale = block.scale.value();
  for (int i = 0; i < 32; ++i) {
    const std::uint32_t high = block.high[i / 4] >> (i % 4 * 2) & 3;
    put_signed(kGridIq2S[block.quants[i] | high << 8], block.signs[i], out.quant + i * 8);
  }
  for (int i = 0; i < 16; ++i)
    out.scale[i] = fine_scale(scale, block.scales[i / 2] >> (i % 2 * 4) & 15, 0.25f);
  set_no_offsets(out, 16);
}

void unpack_iq1_s(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Iq1SBlock>(bytes);
  const float scale = block.scale.value();
  for (int part = 0; part < 8; ++part) {
    const std::uint32_t high = block.high[part].value();
    const bool down = (high & 0x8000) != 0;
    const std::uint8_t* from = block.quants + part * 4;
    const std::uint32_t entries[4] = {from[0] | (high & 7) << 8, from[1] | (high >> 3 & 7) << 8,
                                      from[2] | (high >> 6 & 7) << 8, from[3] | (high >> 9 & 7) << 8};
    put_shifted(entries, {down, down, down, down}, out.quant + part * 32);
    out.scale[part] = odd_scale(scale, high >> 12);
  }
  set_no_offsets(out, 8);
}

void unpack_iq1_m(const std::byte* __restrict bytes, UnpackedBlock& __restrict out) {
  const auto& block = view<Iq1MBlock>(bytes);
  std::uint32_t half = 0;
  for (int i = 0; i < 4; ++i) half |= block.scales[i].value() >> 12 << (4 * i);
  const float scale = float_from_half(static_cast<std::uint16_t>(half));
  for (int part = 0; part < 8; ++part) {
    std::uint32_t entries[4];
    bool down[4];
    for (int i = 0; i < 4; ++i) {
      const std::uint32_t high = block.high[part * 2 + i / 2] >> (i % 2 * 4) & 15;
      entries[i] = block.quants[part * 4 + i] | (high & 7) << 8;
      down[i] = (high & 8) != 0;
    }
    put_shifted(entries, down, out.quant + part * 32);
    const std::uint32_t bits = block.scales[part / 2].value() >> (part % 2 * 6);
    out.scale[2 * part] = odd_scale(scale, bits);
    out.scale[2 * part + 1] = odd_scale(scale, bits >> 3);
  }
  set_no_offsets(out, 16);
}

}  // namespace aloud
