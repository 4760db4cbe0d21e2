// The types whose blocks have 256 values, with small integer scales for groups of 16 or 32: see
// matmul_panels.h.
#pragma once

namespace aloud {
namespace {

struct Block256 {
  using Block = CoarseBlock;
  static constexpr int kValues = 256;
};

// The scales of a block's groups; value = factor * scale * quant, less offset_factor * minimum where groups
// have offsets.
template <int kGroups>
struct WholeScales {
  Ints scale[kGroups];
  Ints minimum[kGroups];
};

// Byte `index` of each word, unsigned (signed).
ALOUD_INLINE Ints byte_of(Ints words, int index) { return shift(words, 8 * index) & every_word(0xFF); }
ALOUD_INLINE Ints signed_byte_of(Ints words, int index) {
  return (Ints)((SignedWords)shift(words, 8 * index - 24) >> 24);
}

// Four groups' scales, the bytes of a word.
ALOUD_INLINE void put_four(Ints* place, Ints words) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) place[i] = byte_of(words, i);
}
ALOUD_INLINE void put_four_signed(Ints* place, Ints words) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) place[i] = signed_byte_of(words, i);
}

// The head of Q4_K and Q5_K: d, dmin, then eight 6-bit scales and eight 6-bit minima in 12 bytes.
// value = d * scale * quant - dmin * minimum.
struct ScalesAndMinima : Block256, OffsetQuants {
  static constexpr int kGroup = 32, kTailBytes = 0;

  ALOUD_INLINE static Floats factor(const PanelRows& panel) { return low_half(panel.word(0)); }
  ALOUD_INLINE static Floats offset_factor(const PanelRows& panel) { return high_half(panel.word(0)); }
  ALOUD_INLINE static void whole_scales(const PanelRows& panel, WholeScales<8>& scales) {
    const Ints low_scales = panel.word(1);
    const Ints low_minima = panel.word(2);
    const Ints rest = panel.word(3);
    put_four(scales.scale, (low_scales & every_byte(0x3F)));
    put_four(scales.scale + 4, masked_or(shift(low_scales, 2), every_byte(0x30), low_nibbles(rest)));
    put_four(scales.minimum, (low_minima & every_byte(0x3F)));
    put_four(scales.minimum + 4, masked_or(shift(low_minima, 2), every_byte(0x30), high_nibbles(rest)));
  }
};

struct Q4K : ScalesAndMinima {
  static constexpr int kWords = 36, kPhases = 2, kLargest = 15;

  // Each 32 bytes hold one group in their low nibbles and the next in their high ones.
  template <int kPhase>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int turn, int j) {
    const Ints bytes = panel.word(4 + 8 * turn + j);
    return kPhase == 0 ? low_nibbles(bytes) : high_nibbles(bytes);
  }
};

struct Q5K : ScalesAndMinima {
  static constexpr int kWords = 44, kPhases = 8, kLargest = 31;

  // Bit g of a high byte is the fifth bit of group g's value.
  template <int kPhase>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int, int j) {
    const Ints bytes = panel.word(12 + kPhase / 2 * 8 + j);
    const Ints low = kPhase % 2 == 0 ? low_nibbles(bytes) : high_nibbles(bytes);
    return masked_or(shift(panel.word(4 + j), kPhase - 4), every_byte(0x10), low);
  }
};

struct Q6K : Block256, SmallQuants<32> {
  static constexpr int kGroup = 16, kWords = 52, kTailBytes = 2, kPhases = 8, kLargest = 63;

  ALOUD_INLINE static Floats factor(const PanelRows& panel) { return load_halves(panel.tails); }
  ALOUD_INLINE static void whole_scales(const PanelRows& panel, WholeScales<16>& scales) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) put_four_signed(scales.scale + 4 * i, panel.word(48 + i));
  }
  // 128 values lie in 64 bytes of low nibbles (two halves of 32) and 32 bytes of upper pairs of bits.
  template <int kPhase>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int turn, int j) {
    constexpr int kQuarter = kPhase / 2, kSide = kPhase % 2;
    const Ints bytes = panel.word(turn * 16 + kQuarter % 2 * 8 + kSide * 4 + j);
    const Ints low = kQuarter < 2 ? low_nibbles(bytes) : high_nibbles(bytes);
    const Ints pairs = panel.word(32 + turn * 8 + kSide * 4 + j);
    return quants(masked_or(shift(pairs, 2 * kQuarter - 4), every_byte(0x30), low));
  }
};

struct Q2K : Block256, OffsetQuants {
  static constexpr int kGroup = 16, kWords = 21, kTailBytes = 0, kPhases = 8, kLargest = 3;

  ALOUD_INLINE static Floats factor(const PanelRows& panel) { return low_half(panel.word(20)); }
  ALOUD_INLINE static Floats offset_factor(const PanelRows& panel) { return high_half(panel.word(20)); }
  ALOUD_INLINE static void whole_scales(const PanelRows& panel, WholeScales<16>& scales) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      put_four(scales.scale + 4 * i, low_nibbles(panel.word(i)));
      put_four(scales.minimum + 4 * i, high_nibbles(panel.word(i)));
    }
  }
  template <int kPhase>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int turn, int j) {
    return shift(panel.word(4 + turn * 8 + kPhase % 2 * 4 + j), kPhase / 2 * 2) & every_byte(0x03);
  }
};

struct Q3K : Block256, SmallQuants<4> {
  static constexpr int kGroup = 16, kWords = 27, kTailBytes = 2, kPhases = 16, kLargest = 7;

  // Sixteen 6-bit scales minus 32: eight bytes of low nibbles, then four bytes of upper pairs.
  ALOUD_INLINE static Floats factor(const PanelRows& panel) { return load_halves(panel.tails); }
  ALOUD_INLINE static void whole_scales(const PanelRows& panel, WholeScales<16>& scales) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const Ints nibbles = shift(panel.word(24 + i % 2), i / 2 * 4) & every_byte(0x0F);
      const Ints six = masked_or(shift(panel.word(26), 2 * i - 4), every_byte(0x30), nibbles);
      put_four_signed(scales.scale + 4 * i, add_bytes(six, every_byte(-32)));
    }
  }
  // Bit g of a high byte is the third bit of values 32 g and on.
  template <int kPhase>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int, int j) {
    constexpr int kHalf = kPhase / 8, kPair = kPhase % 8 / 2, kSide = kPhase % 2;
    const Ints low = shift(panel.word(8 + kHalf * 8 + kSide * 4 + j), 2 * kPair) & every_byte(0x03);
    const Ints high = shift(panel.word(kSide * 4 + j), kHalf * 4 + kPair - 2);
    return quants(masked_or(high, every_byte(0x04), low));
  }
};

struct Iq4Xs : Block256, SignedQuants {
  static constexpr int kGroup = 32, kWords = 34, kTailBytes = 0, kPhases = 1, kLargest = 127;

  // d and the upper pairs of bits share a word, then the low nibbles.
  ALOUD_INLINE static Floats factor(const PanelRows& panel) { return low_half(panel.word(0)); }
  ALOUD_INLINE static void whole_scales(const PanelRows& panel, WholeScales<8>& scales) {
    const Ints head = panel.word(0);
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
      const Ints low = (shift(panel.word(1), 4 * g) & every_word(0x0F));
      const Ints six = masked_or(shift(head, 16 + 2 * g - 4), every_word(0x30), low);
      scales.scale[g] = add_words(six, every_word(-32));
    }
  }
  template <int>
  ALOUD_INLINE static Ints step(const PanelRows& panel, int turn, int j) {
    const Ints bytes = panel.word(2 + 4 * turn + j % 4);
    return look_up(iq4_table(), j < 4 ? low_nibbles(bytes) : high_nibbles(bytes));
  }
};

}  // namespace
}  // namespace aloud
