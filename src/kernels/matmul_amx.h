// Tiles of weights times many columns of x with AMX, whose registers hold 16 rows of 64 bytes; builds on
// matmul_direct.h and matmul_amx_registers.h. A tile of x is 16 columns of 64 values; one of weights is 64
// values of 16 rows, as a WeightTile has them: the low or the high digits of quants that the groups' scales
// were multiplied into, so that a whole block is added up in two registers (low and high) before anything
// else is done with it.
#pragma once

namespace aloud {
namespace {

constexpr int kAmxColumns = 16;
constexpr int kAmxRows = kAmxColumns;  // of a register
constexpr int kAmxSteps = kTileValues / kAmxBytes;

// 16 bits: the lower (upper) bytes of even and odd, side by side.
ALOUD_INLINE Ints low_bytes(Ints even, Ints odd) {
  return _mm512_ternarylogic_epi32(every_word(0x00FF00FF), even, _mm512_slli_epi16(odd, 8), 0xCA);
}
ALOUD_INLINE Ints high_bytes(Ints even, Ints odd) {
  return _mm512_ternarylogic_epi32(every_word(0x00FF00FF), _mm512_srli_epi16(even, 8), odd, 0xCA);
}

// Signed products of quants and scales have digits of a byte, of which the high one is signed. Where nothing
// is signed, the digits are the quants times the low and times the high three bits of the scale: these fit
// into a byte, so that a product of 16 bits is one of two quants at once.
constexpr int kSignedDigit = 8, kUnsignedDigit = 3;
template <class Type>
constexpr bool kFoldsUnsigned = Type::kForm == QuantForm::kUnsigned&& Type::kLargest * 7 <= 0xFF;

// unpack() for quants that the scales are multiplied into: at most 31 * 63 or 128 * 32 in magnitude.
template <class Type>
void fold(const PanelBlock& first, int, WeightTile& tile) {
  static_assert(kFoldsUnsigned<Type> == Type::kOffset);
  constexpr int kSteps = Type::kGroup / 4;
  const PanelRows panel = rows_of<Type>(first, 0, 0);
  put_whole_scales<Type>(panel, {tile.whole_scale, tile.whole_offset});
  store_floats(tile.factor, Type::factor(panel));
  store_floats(tile.offset_factor, minus_offset_factor<Type>(panel));
  each_group<Type>([&]<int kPhase>(int turn) __attribute__((always_inline)) {
    const int group = turn * Type::kPhases + kPhase;
    const Ints scale = load_ints(tile.whole_scale[group]) & every_word(0xFF);
    const Ints even_scale = scale | shift(scale, -16), odd_scale = shift(even_scale, -8);
    const Ints low_scale = even_scale & every_word(0x00070007),
               high_scale = shift(even_scale, 3) & every_word(0x00070007);
    const Ints bias = _mm512_maddubs_epi16(every_byte(kQuantBias), even_scale);
#pragma GCC unroll 8
    for (int j = 0; j < kSteps; ++j) {
      const Ints quants = Type::template step<kPhase>(panel, turn, j);
      Ints low, high;
      if (kFoldsUnsigned<Type>) {
        low = _mm512_mullo_epi16(quants, low_scale);
        high = _mm512_mullo_epi16(quants, high_scale);
      } else {
        const Ints even = _mm512_sub_epi16(_mm512_maddubs_epi16(quants, even_scale), bias);
        const Ints odd = _mm512_sub_epi16(_mm512_maddubs_epi16(quants, odd_scale), bias);
        low = low_bytes(even, odd);
        high = high_bytes(even, odd);
      }
      store_ints(tile.quant[group * kSteps + j], low);
      store_ints(tile.high[group * kSteps + j], high);
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

// What two panels and 16 columns add up to.
struct AmxSums {
  alignas(64) std::int32_t low[kPanelsAtOnce][kAmxColumns][kPanelRows];
  alignas(64) std::int32_t high[kPanelsAtOnce][kAmxColumns][kPanelRows];
};

// A quarter of the way. Registers 0 to 3 are sums, 4 is x, 5 and 6 are weights in turn.
template <int kStep, bool kSigned, int kPanels>
ALOUD_INLINE void add_step(const WeightTile* tiles, const AmxInput& x) {
  constexpr int kLow = offsetof(WeightTile, quant) + kStep * kAmxRows * kAmxBytes;
  constexpr int kHigh = offsetof(WeightTile, high) + kStep * kAmxRows * kAmxBytes;
  constexpr int kSecond = sizeof(WeightTile);
  amx_load<4, kStep * kAmxBytes>(x.first, x.stride);
  amx_load<5, kLow>(tiles, kAmxBytes);
  amx_multiply<0, 4, 5, false>();
  amx_load<6, kHigh>(tiles, kAmxBytes);
  amx_multiply<1, 4, 6, kSigned>();
  if constexpr (kPanels > 1) {
    amx_load<5, kSecond + kLow>(tiles, kAmxBytes);
    amx_multiply<2, 4, 5, false>();
    amx_load<6, kSecond + kHigh>(tiles, kAmxBytes);
    amx_multiply<3, 4, 6, kSigned>();
  }
}

// What was added up, yet to be scaled into the sums of `count` columns.
struct AmxPart {
  const void* const* x;
  float* sums;
  int count;
};
// Of columns [first, first + kColumnsPerStep). What all of them need is in registers first: after a store the
// compiler reads everything again.
constexpr int kColumnsPerStep = kAmxColumns / kAmxSteps;
template <int kGroup, bool kOffset, int kPanels>
ALOUD_INLINE void finish(const WeightTile* tiles, const AmxPart& part, const AmxSums& found, int first) {
  constexpr int kPairs = kOffset ? CoarseBlock::kValues / kGroup / 2 : 0;
  const int end = part.count < first + kColumnsPerStep ? part.count : first + kColumnsPerStep;
  Floats factor[kPanels], offset_factor[kPanels];
  Ints offset[kPanels][kPairs + 1];
#pragma GCC unroll 2
  for (int p = 0; p < kPanels; ++p) {
    factor[p] = load_floats(tiles[p].factor);
    offset_factor[p] = load_floats(tiles[p].offset_factor);
#pragma GCC unroll 8
    for (int i = 0; i < kPairs; ++i) offset[p][i] = load_ints(tiles[p].whole_offset[i]);
  }
#pragma GCC unroll 1
  for (int c = first; c < end; ++c) {
    const CoarseBlock& x = *static_cast<const CoarseBlock*>(part.x[c]);
    const Floats scale = every_float(x.scale);
    Ints offsets[kPanels] = {};  // without them, the bias is out of the quants already
#pragma GCC unroll 8
    for (int i = 0; i < kPairs; ++i) {
      const Ints sums = every_four(group_sums<kGroup>(x) + 2 * i);
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) offsets[p] = add_pairs(offsets[p], offset[p][i], sums);
    }
    float* to = part.sums + c * kPanelsAtOnce * kPanelRows;
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
      const Ints high = shift(load_ints(found.high[p][c]), kOffset ? -kUnsignedDigit : -kSignedDigit);
      const Ints sum = add_words(load_ints(found.low[p][c]), high);
      const Floats value = scale_whole<kOffset>(sum, offsets[p], factor[p], offset_factor[p]);
      store_floats(to + p * kPanelRows, multiply_add(value, scale, load_floats(to + p * kPanelRows)));
    }
  }
}

// While 16 columns are added up, those before are scaled.
template <int kGroup, bool kOffset, int kPanels>
void multiply_folded(const TileProduct& product) {
  shape_registers();
  AmxSums found[2];
  AmxPart waiting = {};
  alignas(64) AmxCopies copies;
  int turn = 0;
  AskAhead ahead(product.ahead, (product.count + kAmxColumns - 1) / kAmxColumns * kAmxSteps);
  const auto meanwhile = [&](int step) __attribute__((always_inline)) {
    ahead.step();
    finish<kGroup, kOffset, kPanels>(product.tiles, waiting, found[turn ^ 1], step * kColumnsPerStep);
  };
  for (int column = 0; column < product.count; column += kAmxColumns) {
    const int count = product.count - column < kAmxColumns ? product.count - column : kAmxColumns;
    const AmxInput x = amx_input(product.x + column, count, copies);
    amx_clear<0>();
    amx_clear<1>();
    amx_clear<2>();
    amx_clear<3>();
    add_step<0, !kOffset, kPanels>(product.tiles, x);
    meanwhile(0);
    add_step<1, !kOffset, kPanels>(product.tiles, x);
    meanwhile(1);
    add_step<2, !kOffset, kPanels>(product.tiles, x);
    meanwhile(2);
    add_step<3, !kOffset, kPanels>(product.tiles, x);
    meanwhile(3);
    amx_store<0>(found[turn].low[0]);
    amx_store<1>(found[turn].high[0]);
    amx_store<2>(found[turn].low[1]);
    amx_store<3>(found[turn].high[1]);
    waiting = {product.x + column, product.sums + column * kPanelsAtOnce * kPanelRows, count};
    turn ^= 1;
  }
  for (int step = 0; step < kAmxSteps; ++step) meanwhile(step);
}
template <int kGroup, bool kOffset>
void multiply_folded(const TileProduct& product) {
  if (product.tile_count == 1) return multiply_folded<kGroup, kOffset, 1>(product);
  multiply_folded<kGroup, kOffset, kPanelsAtOnce>(product);
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
  format.multiply_direct = nullptr;
  return format;
}

constexpr PanelFormat kAmxFormats[] = {
    amx_format<Q2K>(DType::kQ2_K), amx_format<Q3K>(DType::kQ3_K), amx_format<Q4K>(DType::kQ4_K),
    amx_format<Q5K>(DType::kQ5_K), amx_format<Q6K>(DType::kQ6_K), amx_format<Iq4Xs>(DType::kIQ4_XS),
};

// For fewer columns the folding costs more than it gains. The bits are the same.
constexpr std::int64_t kFewestAmxColumns = 9;

const PanelFormat* find_amx_format(DType type, std::int64_t columns) {
  const PanelFormat* format = columns >= kFewestAmxColumns ? find_in(kAmxFormats, type) : nullptr;
  return format != nullptr ? format : find_panel_format(type, columns);
}

}  // namespace
}  // namespace aloud
