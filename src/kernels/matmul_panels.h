// What the panels of every type are read with, for any instruction set: see matmul_lanes_avx512.h.
//
// A type is a struct with its figures and two functions:
//   using Block              FineBlock or CoarseBlock: what it is multiplied with
//   kValues, kGroup          of a block, and that share a scale
//   kOffset, kForm           whether groups have offsets; how step() gives quants
//   kWords, kTailBytes       of a block in a panel, as in panels.cc
//   kLargest                 the largest magnitude of a quant
//   kPhases                  groups that differ in how they are taken apart; they take turns
//   scales(panel, scales)    all groups' scales and offsets; of coarse blocks in their place
//     factor(panel), offset_factor(panel), whole_scales(panel, scales)   see WholeScales
//   step<phase>(panel, turn, j)   quants 4 j ... 4 j + 3 of group turn * kPhases + phase
#pragma once

namespace aloud {
namespace {

using Words = std::uint32_t __attribute__((vector_size(kLanes * 4)));
using SignedWords = std::int32_t __attribute__((vector_size(kLanes * 4)));
using Bytes = std::uint8_t __attribute__((vector_size(kLanes * 4)));

ALOUD_INLINE Ints add_bytes(Ints a, Ints b) { return (Ints)((Bytes)a + (Bytes)b); }
ALOUD_INLINE Ints add_words(Ints a, Ints b) { return (Ints)((Words)a + (Words)b); }
// Words shifted right; a negative count shifts left.
ALOUD_INLINE Ints shift(Ints words, int count) {
  return count >= 0 ? (Ints)((Words)words >> count) : (Ints)((Words)words << -count);
}
ALOUD_INLINE Floats high_half(Ints words) { return low_half(shift(words, 16)); }
ALOUD_INLINE Ints low_nibbles(Ints words) { return words & every_byte(0x0F); }
ALOUD_INLINE Ints high_nibbles(Ints words) { return shift(words, 4) & every_byte(0x0F); }

// One block of as many rows as a register has lanes.
struct PanelRows {
  const std::byte* words;
  const std::byte* tails;

  ALOUD_INLINE Ints word(int i) const { return load_ints(words + i * kPanelRows * 4); }
};

// Rows [row, row + kLanes) of block b.
template <class Type>
ALOUD_INLINE PanelRows rows_of(const PanelBlock& first, std::int64_t b, int row) {
  return {first.words + (b * Type::kWords * kPanelRows + row) * 4,
          first.tails + (b * kPanelRows + row) * Type::kTailBytes};
}

// Where a block's scales and offsets go, group by group.
struct GroupScales {
  float (*scale)[kPanelRows];
  float (*offset)[kPanelRows];
};

template <int kPhase, int kPhases, class Body>
ALOUD_INLINE void each_phase(const Body& body, int turn) {
  if constexpr (kPhase < kPhases) {
    body.template operator()<kPhase>(turn);
    each_phase<kPhase + 1, kPhases>(body, turn);
  }
}

// Calls body<phase>(turn) for every group in order.
template <class Type, class Body>
ALOUD_INLINE void each_group(const Body& body) {
  constexpr int kTurns = Type::kValues / Type::kGroup / Type::kPhases;
#pragma GCC unroll 1
  for (int turn = 0; turn < kTurns; ++turn) each_phase<0, Type::kPhases>(body, turn);
}

// Quants that lie in the file as 0 ... 2 * kZero - 1 and mean that minus kZero.
template <int kZero>
struct SmallQuants {
  static constexpr bool kOffset = kSmallQuantsHaveOffsets;
  static constexpr QuantForm kForm = kSmallQuantsHaveOffsets ? QuantForm::kUnsigned : kSignedForm;

  ALOUD_INLINE static Ints quants(Ints bytes) {
    return kSmallQuantsHaveOffsets ? bytes : add_bytes(bytes, every_byte(kQuantBias - kZero));
  }
  ALOUD_INLINE static void put_scale(const GroupScales& scales, int group, Floats scale) {
    store_floats(scales.scale[group], scale);
    if (kOffset) store_floats(scales.offset[group], scale * every_float(-kZero * kOffsetFactor));
  }
};

// Quants that are multiplied as the signed numbers that they mean.
struct SignedQuants {
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = kSignedForm;

  ALOUD_INLINE static void put_scale(const GroupScales& scales, int group, Floats scale) {
    store_floats(scales.scale[group], scale);
  }
};

// Quants from 0 on, with an offset for each group in the file.
struct OffsetQuants {
  static constexpr bool kOffset = true;
  static constexpr QuantForm kForm = QuantForm::kUnsigned;

  ALOUD_INLINE static void put_scale(const GroupScales& scales, int group, Floats scale) {
    store_floats(scales.scale[group], scale);
  }
};

// Quants of a table of 16.
ALOUD_INLINE Ints table_of(__m128i values) { return every_16_bytes(values) ^ every_byte(kQuantBias); }
// The table of IQ4_NL and IQ4_XS.
ALOUD_INLINE Ints iq4_table() {
  return table_of(_mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113));
}

}  // namespace
}  // namespace aloud
