// Panels taken apart in registers: into a tile of bytes, or straight into products with a few columns.
#pragma once

namespace aloud {
namespace {

constexpr int kLineBytes = kPanelRows * 4;  // one word of each row

// Quants as the signed numbers that they mean, and the start of each row's sum.
template <class Type>
ALOUD_INLINE void unpack_signed(const PanelRows& panel, WeightTile& tile) {
  constexpr int kSteps = Type::kGroup / 4;
  Ints start = every_word(0);
  each_group<Type>([&]<int kPhase>(int turn) __attribute__((always_inline)) {
    const int group = turn * Type::kPhases + kPhase;
    Dot sum;
    begin_sum(sum, 0);
#pragma GCC unroll 8
    for (int j = 0; j < kSteps; ++j) {
      const Ints quants = Type::template step<kPhase>(panel, turn, j) ^ every_byte(kQuantBias);
      store_ints(tile.quant[group * kSteps + j][0], quants);
      add_products<QuantForm::kUnsigned, 1>(sum, j, prepare<QuantForm::kUnsigned>(every_byte(1)), quants);
    }
    start = add_words(start, multiply_words(sum.sum, load_ints(tile.whole_scale[group])));
  });
  store_ints(tile.start, multiply_words(start, every_word(-kQuantBias)));
}

template <class Type>
void unpack(const PanelBlock& first, int blocks, WeightTile& tile) {
  constexpr int kGroups = Type::kValues / Type::kGroup, kSteps = Type::kGroup / 4;
  for (int b = 0; b < blocks; ++b) {
    for (int row = 0; row < kPanelRows; row += kLanes) {
      const PanelRows panel = rows_of<Type>(first, b, row);
      if constexpr (kWhole<Type>) {
        put_whole_scales<Type>(panel, {tile.whole_scale, Type::kOffset ? tile.whole_offset : nullptr});
        store_floats(tile.factor, Type::factor(panel));
        if (Type::kOffset) store_floats(tile.offset_factor, minus_offset_factor<Type>(panel));
        if constexpr (!Type::kOffset) {
          unpack_signed<Type>(panel, tile);
          continue;
        }
      } else {
        float_scales<Type>(panel, {reinterpret_cast<float(*)[kPanelRows]>(tile.scale[b * kGroups] + row),
                                   reinterpret_cast<float(*)[kPanelRows]>(tile.offset[b * kGroups] + row)});
      }
      each_group<Type>([&]<int kPhase>(int turn) __attribute__((always_inline)) {
        const int group = b * kGroups + turn * Type::kPhases + kPhase;
#pragma GCC unroll 8
        for (int j = 0; j < kSteps; ++j) {
          store_ints(tile.quant[group * kSteps + j][row], Type::template step<kPhase>(panel, turn, j));
        }
      });
    }
  }
}

// A power of two, at most `steps`.
constexpr int longest_chain(int largest, int steps) {
  while (steps > 1 && steps > chain_of(largest)) steps /= 2;
  return steps;
}

// Few columns are multiplied as fast as memory gives the weights, which is faster where they are asked for
// early: with each group of values go so many of the lines that lie kReadAheadBytes further on. One column
// streams up to a third faster for it (Zen 3, Emerald Rapids), eight up to a half, and none slower.
constexpr int kReadAheadBytes = 8192;
template <class Type>
constexpr int ahead_lines() {
  constexpr int kGroups = Type::kValues / Type::kGroup * (kPanelRows / kLanes);
  return (Type::kWords + kGroups - 1) / kGroups;
}

// One block of the rows of a register times kColumns columns. The same operations in the same order as
// multiply_tile in matmul_tiles.h: a column gets the same bits both ways.
template <class Type, int kColumns>
ALOUD_INLINE void add_block(const PanelRows& panel, const std::byte* ahead,
                            const typename Type::Block* const (&x)[kColumns], float* sums) {
  constexpr int kGroups = Type::kValues / Type::kGroup, kSteps = Type::kGroup / 4;
  constexpr int kAheadLines = ahead_lines<Type>();
  constexpr int kChain = longest_chain(Type::kLargest, kSteps);
  alignas(64) float scale[kGroups][kPanelRows];
  alignas(64) float offset[Type::kOffset ? kGroups : 1][kPanelRows];
  alignas(64) std::int32_t whole_scale[kGroups][kPanelRows];
  alignas(64) std::int16_t whole_offset[(kGroups + 1) / 2][kPanelRows][2];
  if constexpr (kWhole<Type>) {
    put_whole_scales<Type>(panel, {whole_scale, whole_offset});
  } else {
    float_scales<Type>(panel, {scale, offset});
  }
  Total<kWhole<Type>> total[kColumns];
#pragma GCC unroll 8
  for (int c = 0; c < kColumns; ++c) total[c] = Total<kWhole<Type>>{};
  each_group<Type>([&]<int kPhase>(int turn) __attribute__((always_inline)) {
    const int group = turn * Type::kPhases + kPhase;
#pragma GCC unroll 8
    for (int i = 0; i < kAheadLines; ++i) __builtin_prefetch(ahead + (group * kAheadLines + i) * kLineBytes);
    Dot dot[kColumns];
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
      if constexpr (kWhole<Type>) {
        begin_sum(dot[c], 0);  // the offsets undo the bias
      } else {
        begin_group<Type::kForm, Type::kGroup>(dot[c], *x[c], group);
      }
    }
#pragma GCC unroll 8
    for (int j = 0; j < kSteps; ++j) {
      const auto weights = prepare<Type::kForm>(Type::template step<kPhase>(panel, turn, j));
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c)
        add_products<Type::kForm, kChain>(dot[c], j, weights, x[c]->quant + group * Type::kGroup + 4 * j);
    }
    if constexpr (kWhole<Type>) {
      const Ints group_scale = load_ints(whole_scale[group]);
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c) {
        total[c].sum = add_words(total[c].sum, multiply_words(dot[c].sum, group_scale));
        keep_here(total[c].sum);
      }
    } else {
      const Floats group_scale = load_floats(scale[group]);
      const Floats group_offset = Type::kOffset ? load_floats(offset[group]) : Floats{};
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c) {
        total[c].sum = add_group<Type::kOffset>(total[c].sum, dot[c].sum, group_scale, group_offset,
                                                bias_of<Type::kGroup>(*x[c], group));
      }
    }
  });
  Ints offsets[kColumns];
  if constexpr (kWhole<Type>) offsets_times<Type::kGroup>(whole_offset, 0, x, offsets);
#pragma GCC unroll 8
  for (int c = 0; c < kColumns; ++c) {
    float* sum = sums + c * kPanelRows;
    Floats part;
    if constexpr (kWhole<Type>) {
      part = scale_whole<Type::kOffset>(total[c].sum, offsets[c], Type::factor(panel),
                                        minus_offset_factor<Type>(panel));
    } else {
      part = total[c].sum;
    }
    store_floats(sum, multiply_add(part, every_float(x[c]->scale), load_floats(sum)));
  }
}

// count <= kColumns; the columns that are not there repeat the last one.
template <class Type, int kColumns>
void multiply_columns(const PanelBlock& first, std::int64_t blocks, const void* const* x, std::int64_t stride,
                      int count, float* sums) {
  using Block = typename Type::Block;
  alignas(64) float padded[kColumns * kPanelRows];
  const Block* columns[kColumns];
  for (int c = 0; c < kColumns; ++c) {
    columns[c] = static_cast<const Block*>(x[c < count ? c : count - 1]);
    for (int r = 0; r < kPanelRows; ++r)
      padded[c * kPanelRows + r] = c < count ? sums[c * kPanelRows + r] : 0;
  }
  for (std::int64_t b = 0; b < blocks; ++b) {
    for (int row = 0; row < kPanelRows; row += kLanes) {
      const std::int64_t line = b * Type::kWords + Type::kWords * row / kPanelRows;
      add_block<Type, kColumns>(rows_of<Type>(first, b, row),
                                first.words + line * kLineBytes + kReadAheadBytes, columns, padded + row);
    }
    for (int c = 0; c < kColumns; ++c) columns[c] += stride;
  }
  for (int i = 0; i < count * kPanelRows; ++i) sums[i] = padded[i];
}

template <class Type>
void multiply_direct(const PanelBlock& first, std::int64_t blocks, const void* const* x, std::int64_t stride,
                     int count, float* sums) {
  if (count == 1) return multiply_columns<Type, 1>(first, blocks, x, stride, count, sums);
  if (count == 2) return multiply_columns<Type, 2>(first, blocks, x, stride, count, sums);
  if constexpr (kDirectColumns > 4) {
    if (count == 3) return multiply_columns<Type, 3>(first, blocks, x, stride, count, sums);
    if (count == 4) return multiply_columns<Type, 4>(first, blocks, x, stride, count, sums);
    if (count <= 6) return multiply_columns<Type, 6>(first, blocks, x, stride, count, sums);
  }
  multiply_columns<Type, kDirectColumns>(first, blocks, x, stride, count, sums);
}

template <class Type>
constexpr PanelFormat panel_format(DType type) {
  return {type,
          {Type::kGroup, Type::kOffset, kWhole<Type> && !Type::kOffset ? QuantForm::kSigned : Type::kForm,
           Type::kLargest, kCoarse<Type>, kWhole<Type> ? TileScales::kWhole : TileScales::kFloats},
          unpack<Type>,
          multiply_direct<Type>};
}

constexpr PanelFormat kPanelFormats[] = {
    panel_format<Q4_0>(DType::kQ4_0),    panel_format<Q4_1>(DType::kQ4_1),
    panel_format<Q5_0>(DType::kQ5_0),    panel_format<Q5_1>(DType::kQ5_1),
    panel_format<Q8_0>(DType::kQ8_0),    panel_format<Iq4Nl>(DType::kIQ4_NL),
    panel_format<Mxfp4>(DType::kMXFP4),  panel_format<Q2K>(DType::kQ2_K),
    panel_format<Q3K>(DType::kQ3_K),     panel_format<Q4K>(DType::kQ4_K),
    panel_format<Q5K>(DType::kQ5_K),     panel_format<Q6K>(DType::kQ6_K),
    panel_format<Iq4Xs>(DType::kIQ4_XS),
};

template <std::size_t kCount>
const PanelFormat* find_in(const PanelFormat (&formats)[kCount], DType type) {
  for (const PanelFormat& format : formats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

const PanelFormat* find_panel_format(DType type, std::int64_t) { return find_in(kPanelFormats, type); }

}  // namespace
}  // namespace aloud
