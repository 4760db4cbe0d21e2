// The types whose blocks have 32 values and one scale: see matmul_panels.h.
#pragma once

namespace aloud {
namespace {

struct Block32 {
  using Block = FineBlock;
  static constexpr int kValues = 32, kGroup = 32, kPhases = 1;
};

// 16 bytes of nibbles from word `first` on: the low ones are the first 16 values.
ALOUD_INLINE Ints nibble_step(const PanelRows& panel, int first, int j) {
  return j < 4 ? low_nibbles(panel.word(first + j)) : high_nibbles(panel.word(first + j - 4));
}

// Bit 4 * j + (number of the byte) of the row's word `high` is the fifth bit of step j's byte.
ALOUD_INLINE Ints add_fifth_bits(Ints high, int j, Ints nibbles) {
  const Ints first_bytes = every_16_bytes(_mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0C0C0C0C));
  const Ints place = add_bytes(first_bytes, every_byte(j / 2));
  const Ints bits = every_word(j % 2 == 0 ? 0x08040201 : static_cast<int>(0x80402010));
  return add_where_set(nibbles, every_byte(16), look_up(high, place), bits);
}

// A float16 in the tail is the scale.
template <class Quants>
struct TailScale : Block32, Quants {
  static constexpr int kTailBytes = 2;

  ALOUD_INLINE static void scales(const PanelRows& panel, const GroupScales& scales) {
    Quants::put_scale(scales, 0, load_halves(panel.tails));
  }
};

// The halves of the first word are scale and offset.
struct WordScaleAndOffset : Block32, OffsetQuants {
  static constexpr int kTailBytes = 0;

  ALOUD_INLINE static void scales(const PanelRows& panel, const GroupScales& scales) {
    store_floats(scales.scale[0], low_half(panel.word(0)));
    store_floats(scales.offset[0], high_half(panel.word(0)) * every_float(kOffsetFactor));
  }
};

struct Q8_0 : TailScale<SignedQuants> {
  static constexpr int kWords = 8, kLargest = 128;

  template <int>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int, int j) {
    return panel.word(j) ^ every_byte(kQuantBias);
  }
};

struct Q4_0 : TailScale<SmallQuants<8>> {
  static constexpr int kWords = 4, kLargest = 15;

  template <int>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int, int j) {
    return quants(nibble_step(panel, 0, j));
  }
};

struct Q4_1 : WordScaleAndOffset {
  static constexpr int kWords = 5, kLargest = 15;

  template <int>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int, int j) {
    return nibble_step(panel, 1, j);
  }
};

struct Q5_0 : TailScale<SmallQuants<16>> {
  static constexpr int kWords = 5, kLargest = 31;

  template <int>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int, int j) {
    return quants(add_fifth_bits(panel.word(0), j, nibble_step(panel, 1, j)));
  }
};

struct Q5_1 : WordScaleAndOffset {
  static constexpr int kWords = 6, kLargest = 31;

  template <int>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int, int j) {
    return add_fifth_bits(panel.word(1), j, nibble_step(panel, 2, j));
  }
};

struct Iq4Nl : TailScale<SignedQuants> {
  static constexpr int kWords = 4, kLargest = 127;

  template <int>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int, int j) {
    return look_up(iq4_table(), nibble_step(panel, 0, j));
  }
};

struct Mxfp4 : Block32, SignedQuants {
  static constexpr int kWords = 4, kTailBytes = 1, kLargest = 12;

  ALOUD_INLINE static void scales(const PanelRows& panel, const GroupScales& scales) {
    // 2^(exponent - 128), because the table holds doubled values; below exponent 2 that is subnormal.
    const Ints exponent = load_bytes(panel.tails);
    const Ints normal = shift(add_words(exponent, every_word(-1)), -23);
    const Ints subnormal = shift(add_words(exponent, every_word(1)), -21);
    store_ints(scales.scale[0], (Ints)((Words)exponent < 2u ? (Words)subnormal : (Words)normal));
  }
  template <int>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int, int j) {
    // E2M1: 0 0.5 1 1.5 2 3 4 6 and their negatives, doubled.
    const Ints table = table_of(_mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12));
    return look_up(table, nibble_step(panel, 0, j));
  }
};

}  // namespace
}  // namespace aloud
