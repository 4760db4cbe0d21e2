// Tiles of weights times columns of x in registers, for any instruction set: see matmul_lanes_avx512.h.
#pragma once

namespace aloud {
namespace {

// Asks for a product's ReadAhead bit by bit: asking for much at once is waiting for it.
class AskAhead {
 public:
  // In so many steps.
  AskAhead(const ReadAhead& what, int steps)
      : what_(what), share_((what.bytes + steps * kCacheLine - 1) / (steps * kCacheLine) * kCacheLine) {}

  ALOUD_INLINE void step() {
    for (const std::int64_t end = at_ + share_; at_ < end && at_ < what_.bytes; at_ += kCacheLine) {
      for (const std::byte* from : what_.from) __builtin_prefetch(from + at_);
    }
  }

 private:
  static constexpr std::int64_t kCacheLine = 64;

  ReadAhead what_;
  std::int64_t share_;
  std::int64_t at_ = 0;
};

// -128 times the sum of a group of x.
template <int kGroup>
ALOUD_INLINE float bias_of(const FineBlock& x, int group) {
  static_assert(kGroup == 32);
  return x.bias[group];
}
template <int kGroup>
ALOUD_INLINE float bias_of(const CoarseBlock& x, int group) {
  return kGroup == 32 ? x.bias[group] : x.half_bias[group];
}
template <int kGroup>
ALOUD_INLINE std::int32_t whole_bias_of(const FineBlock& x, int group) {
  return x.whole_bias[group];
}
template <int kGroup>
ALOUD_INLINE std::int32_t whole_bias_of(const CoarseBlock& x, int group) {
  return -128 * (kGroup == 32 ? x.sum[group] : x.half_sum[group]);
}

// Begins the sum of a group's products: with what undoes the bias of weights that have one.
template <QuantForm kForm, int kGroup, class Block>
ALOUD_INLINE void begin_group(Dot& dot, const Block& x, int group) {
  if constexpr (kForm == QuantForm::kBiased) {
    begin_sum(dot, whole_bias_of<kGroup>(x, group));
  } else {
    begin_sum(dot, 0);
  }
}

// Adds one weight group's part to a block's total: see matmul.h.
template <bool kOffset>
ALOUD_INLINE Floats add_group(Floats total, Ints dot, Floats scale, Floats offset, float bias) {
  total = multiply_add(to_floats(dot), scale, total);
  return kOffset ? multiply_add(offset, every_float(bias), total) : total;
}

// Everything that the inner loops differ in.
template <class BlockType, int kGroupSize, QuantForm kQuantForm, bool kHasOffset, int kChainSteps,
          bool kWholeNumbers = false>
struct TileLayout {
  using Block = BlockType;
  static constexpr int kGroup = kGroupSize;
  static constexpr int kGroups = Block::kValues / kGroup;
  static constexpr QuantForm kForm = kQuantForm;
  static constexpr bool kOffset = kHasOffset;
  static constexpr int kChain = kChainSteps;
  static constexpr bool kWhole = kWholeNumbers;
};

// What a block's groups are added up in.
template <bool kWhole>
struct Total {
  Floats sum = Floats{};
};
template <>
struct Total<true> {
  Ints sum = Ints{};
};

// Registers follow one another through the rows of one or two tiles.
ALOUD_INLINE const WeightTile& tile_of(const WeightTile* tiles, int vector) {
  return tiles[vector * kLanes / kPanelRows];
}
constexpr int row_of(int vector) { return vector * kLanes % kPanelRows; }

// Adds the products of group g of each column's block, the tiles' group i, to the totals.
template <class Layout, int kVectors, int kColumns>
ALOUD_INLINE void multiply_group(const WeightTile* tiles, int i, int g,
                                 const typename Layout::Block* const (&columns)[kColumns],
                                 Total<Layout::kWhole> (&total)[kColumns][kVectors]) {
  Dot dot[kColumns][kVectors];
#pragma GCC unroll 8
  for (int c = 0; c < kColumns; ++c) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) begin_group<Layout::kForm, Layout::kGroup>(dot[c][v], *columns[c], g);
  }
#pragma GCC unroll 8
  for (int step = 0; step < Layout::kGroup / 4; ++step) {
    Factors<Layout::kForm> weights[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      weights[v] = prepare<Layout::kForm>(
          load_ints(tile_of(tiles, v).quant[i * (Layout::kGroup / 4) + step][row_of(v)]));
    }
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
      const Ints four =
          factors_of_x<Layout::kForm>(every_four(columns[c]->quant + g * Layout::kGroup + 4 * step));
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        add_products<Layout::kForm, Layout::kChain>(dot[c][v], step, weights[v], four);
      }
    }
  }
  if constexpr (Layout::kWhole) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const Ints scale = load_ints(tile_of(tiles, v).whole_scale[i] + row_of(v));
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c)
        total[c][v].sum = add_words(total[c][v].sum, multiply_words(dot[c][v].sum, scale));
    }
    return;
  } else {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const Floats scale = load_floats(tile_of(tiles, v).scale[i] + row_of(v));
      const Floats offset = Layout::kOffset ? load_floats(tile_of(tiles, v).offset[i] + row_of(v)) : Floats{};
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c) {
        total[c][v].sum = add_group<Layout::kOffset>(total[c][v].sum, dot[c][v].sum, scale, offset,
                                                     bias_of<Layout::kGroup>(*columns[c], g));
      }
    }
  }
}

// A block's total, before x's scale.
template <class Layout>
ALOUD_INLINE Floats block_total(const WeightTile& tile, int row, const Total<Layout::kWhole>& total,
                                Ints offsets) {
  if constexpr (Layout::kWhole && Layout::kOffset) {
    return scale_whole<true>(total.sum, offsets, load_floats(tile.factor + row),
                             load_floats(tile.offset_factor + row));
  } else if constexpr (Layout::kWhole) {
    return to_floats(total.sum) * load_floats(tile.factor + row);
  } else {
    return total.sum;
  }
}

// One register tile: see TileProduct.
template <class Layout, int kVectors, int kColumns>
void multiply_tile(const WeightTile* tiles, int blocks, const void* const* x, float* sums) {
  const typename Layout::Block* columns[kColumns];
#pragma GCC unroll 8
  for (int c = 0; c < kColumns; ++c) columns[c] = static_cast<const typename Layout::Block*>(x[c]);
  for (int b = 0; b < blocks; ++b) {
    Total<Layout::kWhole> total[kColumns][kVectors];
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        total[c][v] = Total<Layout::kWhole>{};
        // Signed quants are multiplied with x + 128: less so many times their sum.
        if constexpr (Layout::kWhole && !Layout::kOffset)
          total[c][v].sum = load_ints(tile_of(tiles, v).start + row_of(v));
      }
    }
#pragma GCC unroll 1
    for (int g = 0; g < Layout::kGroups; ++g)
      multiply_group<Layout>(tiles, b * Layout::kGroups + g, g, columns, total);
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const WeightTile& tile = tile_of(tiles, v);
      Ints offsets[kColumns];
      if constexpr (Layout::kWhole && Layout::kOffset)
        offsets_times<Layout::kGroup>(tile.whole_offset, row_of(v), columns, offsets);
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c) {
        float* sum = sums + c * kPanelsAtOnce * kPanelRows + v * kLanes;
        const Floats part = block_total<Layout>(tile, row_of(v), total[c][v], offsets[c]);
        store_floats(sum, multiply_add(part, every_float(columns[c]->scale), load_floats(sum)));
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) ++columns[c];
  }
}

// The same for a number of columns that is known only now, 1 to kMost.
template <class Layout, int kVectors, int kMost = kTileColumns>
void multiply_tile(int columns, const WeightTile* tiles, int blocks, const void* const* x, float* sums) {
  if constexpr (kMost > 1) {
    if (columns < kMost) return multiply_tile<Layout, kVectors, kMost - 1>(columns, tiles, blocks, x, sums);
  }
  multiply_tile<Layout, kVectors, kMost>(tiles, blocks, x, sums);
}

template <class Layout, int kVectors>
void multiply_tile_columns(const WeightTile* tiles, const TileProduct& product, AskAhead& ahead,
                           float* sums) {
  const int blocks = product.values / Layout::Block::kValues;
  const void* const* x = product.x;
  int left = product.count;
  // Of nearly equal width, because one of few columns takes about as long as one of all.
  for (int turns = (left + kTileColumns - 1) / kTileColumns; turns > 0; --turns) {
    const int columns = (left + turns - 1) / turns;
    ahead.step();
    multiply_tile<Layout, kVectors>(columns, tiles, blocks, x, sums);
    x += columns;
    sums += columns * kPanelsAtOnce * kPanelRows;
    left -= columns;
  }
}

template <class Layout>
void multiply_tiles(const TileProduct& product) {
  constexpr int kPanelVectors = kPanelRows / kLanes;
  constexpr int kTilePanels = kTileVectors / kPanelVectors;
  const int turns = (product.count + kTileColumns - 1) / kTileColumns;
  AskAhead ahead(product.ahead, (product.tile_count + kTilePanels - 1) / kTilePanels * turns);
  int p = 0;
  for (; p + kTilePanels <= product.tile_count; p += kTilePanels) {
    multiply_tile_columns<Layout, kTileVectors>(product.tiles + p, product, ahead,
                                                product.sums + p * kPanelRows);
  }
  if constexpr (kTilePanels > 1) {
    if (p < product.tile_count)
      multiply_tile_columns<Layout, kPanelVectors>(product.tiles + p, product, ahead,
                                                   product.sums + p * kPanelRows);
  }
}

template <class Block, int kGroup>
void multiply_groups(const TileFormat& format, const TileProduct& product) {
  constexpr int kSteps = kGroup / 4;
  if (format.form == QuantForm::kUnsigned) {
    if (!kHasChains || chain_of(format.largest) >= kSteps)
      return multiply_tiles<TileLayout<Block, kGroup, QuantForm::kUnsigned, true, kSteps>>(product);
    if constexpr (kHasChains) {
      if (chain_of(format.largest) >= kSteps / 2)
        return multiply_tiles<TileLayout<Block, kGroup, QuantForm::kUnsigned, true, kSteps / 2>>(product);
    }
    return multiply_tiles<TileLayout<Block, kGroup, QuantForm::kUnsigned, true, 1>>(product);
  }
  if (format.has_offset) return multiply_tiles<TileLayout<Block, kGroup, kSignedForm, true, 1>>(product);
  multiply_tiles<TileLayout<Block, kGroup, kSignedForm, false, 1>>(product);
}

template <int kGroup>
void multiply_whole(const TileFormat& format, const TileProduct& product) {
  if (format.has_offset)
    return multiply_tiles<TileLayout<CoarseBlock, kGroup, QuantForm::kUnsigned, true, 1, true>>(product);
  multiply_tiles<TileLayout<CoarseBlock, kGroup, QuantForm::kSigned, false, 1, true>>(product);
}

void multiply(const TileFormat& format, const TileProduct& product) {
  if constexpr (kWholeScales) {
    if (format.scales == TileScales::kWhole) {
      if (format.group == 16) return multiply_whole<16>(format, product);
      return multiply_whole<32>(format, product);
    }
  }
  if (!format.coarse) return multiply_groups<FineBlock, 32>(format, product);
  if (format.group == 16) return multiply_groups<CoarseBlock, 16>(format, product);
  multiply_groups<CoarseBlock, 32>(format, product);
}

}  // namespace
}  // namespace aloud
