// Taking the scales of a block's groups apart, and scaling what was added up: see TileScales in
// matmul_kernels.h.
#pragma once

namespace aloud {
namespace {

template <class Type>
constexpr bool kCoarse = Type::kValues == CoarseBlock::kValues;
template <class Type>
constexpr bool kWhole = kWholeScales&& kCoarse<Type>;
template <class Type>
constexpr int kGroupsOf = Type::kValues / Type::kGroup;

// Scales and offsets as floats.
template <class Type>
ALOUD_INLINE void float_scales(const PanelRows& panel, const GroupScales& scales) {
  if constexpr (kCoarse<Type>) {
    WholeScales<kGroupsOf<Type>> whole;
    Type::whole_scales(panel, whole);
    const Floats factor = Type::factor(panel);
#pragma GCC unroll 16
    for (int g = 0; g < kGroupsOf<Type>; ++g) Type::put_scale(scales, g, factor * to_floats(whole.scale[g]));
    if constexpr (requires { Type::offset_factor(panel); }) {
      const Floats offset_factor = Type::offset_factor(panel) * every_float(-kOffsetFactor);
#pragma GCC unroll 16
      for (int g = 0; g < kGroupsOf<Type>; ++g)
        store_floats(scales.offset[g], offset_factor * to_floats(whole.minimum[g]));
    }
  } else {
    Type::scales(panel, scales);
  }
}

// What a block's offsets are scaled by; no Type without them needs it.
template <class Type>
ALOUD_INLINE Floats minus_offset_factor(const PanelRows& panel) {
  if constexpr (requires { Type::offset_factor(panel); }) {
    return Type::offset_factor(panel) * every_float(-1);
  } else {
    return Floats{};
  }
}

// The same as integers. What is multiplied with the sums of x's groups and subtracted is kept for two groups
// in a word, for add_pairs: the minima, or what stands for the bias of the quants.
template <int kGroups>
struct WholePlaces {
  std::int32_t (*scale)[kPanelRows];      // [kGroups]
  std::int16_t (*offset)[kPanelRows][2];  // [kGroups / 2]; nullptr: nobody needs them
};
template <class Type>
ALOUD_INLINE void put_whole_scales(const PanelRows& panel, const WholePlaces<kGroupsOf<Type>>& places) {
  WholeScales<kGroupsOf<Type>> whole;
  Type::whole_scales(panel, whole);
#pragma GCC unroll 16
  for (int g = 0; g < kGroupsOf<Type>; ++g) {
    store_ints(places.scale[g], whole.scale[g]);
    if (places.offset == nullptr) continue;
    if (!Type::kOffset) whole.minimum[g] = shift(whole.scale[g], -7);
    if (g % 2 == 1) {
      const Ints even = whole.minimum[g - 1] & every_word(0xFFFF);
      store_ints(places.offset[g / 2], even | shift(whole.minimum[g], -16));
    }
  }
}

// The sums of x's groups, two in a word.
template <int kGroup>
ALOUD_INLINE const std::int16_t* group_sums(const CoarseBlock& x) {
  return kGroup == 32 ? x.sum : x.half_sum;
}
// times[c] = a block's offsets times the sums of x[c]'s groups.
template <int kGroup, int kColumns>
ALOUD_INLINE void offsets_times(const std::int16_t (*offset)[kPanelRows][2], int row,
                                const CoarseBlock* const (&x)[kColumns], Ints (&times)[kColumns]) {
#pragma GCC unroll 8
  for (int c = 0; c < kColumns; ++c) times[c] = every_word(0);
#pragma GCC unroll 8
  for (int i = 0; i < CoarseBlock::kValues / kGroup / 2; ++i) {
    const Ints pair = load_ints(offset[i][row]);
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c)
      times[c] = add_pairs(times[c], pair, every_four(group_sums<kGroup>(*x[c]) + 2 * i));
  }
}

// A block's part of the result before x's scale; offset_factor is negative. Whatever way the integers were
// added up, they are the same.
template <bool kOffset>
ALOUD_INLINE Floats scale_whole(Ints sum, Ints offsets, Floats factor, Floats offset_factor) {
  if (!kOffset) return to_floats((Ints)((Words)sum - (Words)offsets)) * factor;
  return multiply_add(to_floats(offsets), offset_factor, to_floats(sum) * factor);
}

}  // namespace
}  // namespace aloud
