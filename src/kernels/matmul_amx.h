// Tiles of weights times many columns of x with AMX, whose registers hold 16 rows of 64 bytes; builds on
// matmul_direct.h and matmul_amx_registers.h. A tile of x is 16 columns of 64 values; one of weights is 64
// values of 16 rows, as a WeightTile has them: the low or the high bytes of quants that the groups' scales
// were multiplied into, so that a whole block is added up in two registers (low and high) before anything
// else is done with it.
//
// In assembly, so that the file needs no flags for instructions that not every AVX-512 processor has.
#pragma once

namespace aloud {
namespace {

constexpr int kAmxColumns = 16;
constexpr int kAmxSteps = kTileValues / kAmxBytes;

// 16 bits: the lower (upper) bytes of even and odd, side by side.
ALOUD_INLINE Ints low_bytes(Ints even, Ints odd) {
  return _mm512_ternarylogic_epi32(every_word(0x00FF00FF), even, _mm512_slli_epi16(odd, 8), 0xCA);
}
ALOUD_INLINE Ints high_bytes(Ints even, Ints odd) {
  return _mm512_ternarylogic_epi32(every_word(0x00FF00FF), _mm512_srli_epi16(even, 8), odd, 0xCA);
}

// unpack() for quants that the scales are multiplied into: at most 31 * 63 or 128 * 32 in magnitude.
template <class Type>
void fold(const PanelBlock& first, int blocks, WeightTile& tile) {
  constexpr int kSteps = Type::kGroup / 4;
  for (int i = blocks * Type::kWords; i < 2 * blocks * Type::kWords; ++i)
    __builtin_prefetch(first.words + i * kLineBytes);
  const PanelRows panel = rows_of<Type>(first, 0, 0);
  put_whole_scales<Type>(panel, {tile.whole_scale, tile.whole_offset});
  store_floats(tile.factor, Type::factor(panel));
  store_floats(tile.offset_factor, minus_offset_factor<Type>(panel));
  each_group<Type>([&]<int kPhase>(int turn) __attribute__((always_inline)) {
    const int group = turn * Type::kPhases + kPhase;
    const Ints scale = load_ints(tile.whole_scale[group]) & every_word(0xFF);
    const Ints even_scale = scale | shift(scale, -16), odd_scale = shift(even_scale, -8);
    const Ints bias = _mm512_maddubs_epi16(every_byte(kQuantBias), even_scale);
#pragma GCC unroll 8
    for (int j = 0; j < kSteps; ++j) {
      const Ints quants = Type::template step<kPhase>(panel, turn, j);
      Ints even = _mm512_maddubs_epi16(quants, even_scale), odd = _mm512_maddubs_epi16(quants, odd_scale);
      if (Type::kForm == QuantForm::kBiased) {
        even = _mm512_sub_epi16(even, bias);
        odd = _mm512_sub_epi16(odd, bias);
      }
      store_ints(tile.quant[group * kSteps + j], low_bytes(even, odd));
      store_ints(tile.high[group * kSteps + j], high_bytes(even, odd));
    }
  });
}

// The quants of 16 columns: as they lie where that is at equal distances, else copied.
struct AmxInput {
  const std::byte* first;
  std::int64_t stride;
};
using AmxCopies = std::int8_t[kAmxColumns][kTileValues];
AmxInput amx_input(const void* const* x, int count, AmxCopies& copies) {
  const auto* first = static_cast<const std::byte*>(x[0]);
  if (count == kAmxColumns) {
    const std::int64_t stride = static_cast<const std::byte*>(x[1]) - first;
    bool equal = true;
    for (int c = 2; c < kAmxColumns; ++c) equal &= x[c] == first + c * stride;
    if (equal) return {first, stride};
  }
  for (int c = 0; c < count; ++c)
    __builtin_memcpy(copies[c], static_cast<const CoarseBlock*>(x[c])->quant, kTileValues);
  return {reinterpret_cast<const std::byte*>(copies), kTileValues};
}

// What one panel and 16 columns add up to.
struct AmxSums {
  alignas(64) std::int32_t low[kAmxColumns][kPanelRows];
  alignas(64) std::int32_t high[kAmxColumns][kPanelRows];
};

// What was added up, yet to be scaled into the sums of `count` columns.
struct AmxPart {
  const WeightTile* tile;
  const void* const* x;
  float* sums;
  int count;
};
template <int kGroup, bool kOffset>
ALOUD_INLINE void finish(const AmxPart& part, const AmxSums& found) {
  const WeightTile& tile = *part.tile;
  const Floats factor = load_floats(tile.factor), offset_factor = load_floats(tile.offset_factor);
#pragma GCC unroll 4
  for (int c = 0; c < part.count; ++c) {
    const CoarseBlock& x = *static_cast<const CoarseBlock*>(part.x[c]);
    const Ints sum = add_words(load_ints(found.low[c]), shift(load_ints(found.high[c]), -8));
    const CoarseBlock* const columns[] = {&x};
    Ints offsets[1] = {};  // without them, the bias is out of the quants already
    if (kOffset) offsets_times<kGroup>(tile.whole_offset, 0, columns, offsets);
    float* to = part.sums + c * kPanelsAtOnce * kPanelRows;
    store_floats(to, multiply_add(scale_whole<kOffset>(sum, offsets[0], factor, offset_factor),
                                  every_float(x.scale), load_floats(to)));
  }
}

// Two parts: one panel with 32 columns, or two panels with 16. Registers 0 to 3 are sums, 4 and 5 x, 6 and 7
// weights. A part that is not there repeats the other one.
template <bool kTwoInputs>
ALOUD_INLINE void add_up(const WeightTile* const (&tiles)[2], const AmxInput (&x)[2], AmxSums (&found)[2]) {
  amx_clear<0>();
  amx_clear<1>();
  amx_clear<2>();
  amx_clear<3>();
#pragma GCC unroll 4
  for (int step = 0; step < kAmxSteps; ++step) {
    amx_load<4>(x[0].first + step * kAmxBytes, x[0].stride);
    amx_load<6>(tiles[0]->quant[step * kAmxBytes / 4], kAmxBytes);
    amx_multiply<0, 4, 6, false>();
    amx_load<7>(tiles[0]->high[step * kAmxBytes / 4], kAmxBytes);
    amx_multiply<1, 4, 7, true>();
    if (kTwoInputs) {
      amx_load<5>(x[1].first + step * kAmxBytes, x[1].stride);
      amx_multiply<2, 5, 6, false>();
      amx_multiply<3, 5, 7, true>();
    } else {
      amx_load<6>(tiles[1]->quant[step * kAmxBytes / 4], kAmxBytes);
      amx_multiply<2, 4, 6, false>();
      amx_load<7>(tiles[1]->high[step * kAmxBytes / 4], kAmxBytes);
      amx_multiply<3, 4, 7, true>();
    }
  }
  amx_store<0>(found[0].low);
  amx_store<1>(found[0].high);
  amx_store<2>(found[1].low);
  amx_store<3>(found[1].high);
}

// While two parts are added up, the two before are scaled: what AMX has stored takes a while to be read.
template <int kGroup, bool kOffset>
void multiply_folded(const TileProduct& product) {
  shape_registers();
  AmxSums found[2][2];
  AmxPart waiting[2] = {};
  alignas(64) AmxCopies copies[2];
  int turn = 0;
  const auto scale_waiting = [&] {
    finish<kGroup, kOffset>(waiting[0], found[turn ^ 1][0]);
    finish<kGroup, kOffset>(waiting[1], found[turn ^ 1][1]);
  };
  const auto part = [&](int tile, int column, int count) -> AmxPart {
    return {product.tiles + tile, product.x + column,
            product.sums + (column * kPanelsAtOnce + tile) * kPanelRows, count};
  };
  waiting[0].tile = waiting[1].tile = product.tiles;
  int column = 0;
  for (; product.count - column > kAmxColumns; column += 2 * kAmxColumns) {
    const int second = column + kAmxColumns;
    const int count = product.count - second < kAmxColumns ? product.count - second : kAmxColumns;
    const AmxInput x[2] = {amx_input(product.x + column, kAmxColumns, copies[0]),
                           amx_input(product.x + second, count, copies[1])};
    // x comes from L2: the next columns are asked for while these are multiplied.
    const int next = column + 2 * kAmxColumns;
    for (int c = next; c < next + 2 * kAmxColumns && c < product.count; ++c) {
      for (int k = 0; k < kTileValues; k += kAmxBytes)
        __builtin_prefetch(static_cast<const std::byte*>(product.x[c]) + k);
    }
    for (int t = 0; t < product.tile_count; ++t) {
      add_up<true>({product.tiles + t, product.tiles + t}, x, found[turn]);
      scale_waiting();
      waiting[0] = part(t, column, kAmxColumns);
      waiting[1] = part(t, second, count);
      turn ^= 1;
    }
  }
  if (column < product.count) {
    const int count = product.count - column, last = product.tile_count - 1;
    const AmxInput x = amx_input(product.x + column, count, copies[0]);
    add_up<false>({product.tiles, product.tiles + last}, {x, x}, found[turn]);
    scale_waiting();
    waiting[0] = part(0, column, count);
    waiting[1] = part(last, column, last == 0 ? 0 : count);
    turn ^= 1;
  }
  scale_waiting();
}

void multiply_with_amx(const TileFormat& format, const TileProduct& product) {
  if (format.scales != TileScales::kFolded) return multiply(format, product);
  if (format.group == 32) {
    if (format.has_offset) return multiply_folded<32, true>(product);
    return multiply_folded<32, false>(product);
  }
  if (format.has_offset) return multiply_folded<16, true>(product);
  multiply_folded<16, false>(product);
}

template <class Type>
constexpr PanelFormat amx_format(DType type) {
  PanelFormat format = panel_format<Type>(type);
  format.tile.scales = TileScales::kFolded;
  format.unpack = fold<Type>;
  return format;
}

constexpr PanelFormat kAmxFormats[] = {
    amx_format<Q2K>(DType::kQ2_K), amx_format<Q3K>(DType::kQ3_K), amx_format<Q4K>(DType::kQ4_K),
    amx_format<Q5K>(DType::kQ5_K), amx_format<Q6K>(DType::kQ6_K), amx_format<Iq4Xs>(DType::kIQ4_XS),
};

// For fewer columns the folding costs more than it gains. The bits are the same.
constexpr std::int64_t kFewestAmxColumns = 24;

const PanelFormat* find_amx_format(DType type, std::int64_t columns) {
  const PanelFormat* format = columns >= kFewestAmxColumns ? find_in(kAmxFormats, type) : nullptr;
  return format != nullptr ? format : find_panel_format(type, columns);
}

}  // namespace
}  // namespace aloud
