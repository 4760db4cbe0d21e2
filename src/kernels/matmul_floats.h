// Float weights times float columns in register tiles whose lanes run along k: see matmul_lanes_avx512.h.
//
// F16 weights are multiplied as floats everywhere: as bfloat16 each would be two, and twice the products at
// twice the rate gain nothing. The same goes for x in two parts beside BF16 weights, which is why it is
// rounded.
#pragma once

namespace aloud {
namespace {

// How weights of a type and x are read and multiplied, kValues columns at a time.
template <DType kType>
struct SingleFloats {
  using Operand = Floats;
  static constexpr DType kWeights = kType;
  static constexpr int kValues = kLanes;

  ALOUD_INLINE static Operand weights(const std::byte* row, std::int64_t k, std::int64_t left) {
    return kType == DType::kF32 ? load_f32(row + 4 * k, left) : load_f16(row + 2 * k, left);
  }
  ALOUD_INLINE static Operand input(const void* x, std::int64_t k, std::int64_t left) {
    return load_f32(static_cast<const float*>(x) + k, left);
  }
  ALOUD_INLINE static Floats add(Floats sum, Operand w, Operand x) { return multiply_add(w, x, sum); }
};

// Both are bfloat16, two neighbours in a word.
struct Bfloats {
  static constexpr DType kWeights = DType::kBF16;
  static constexpr int kValues = 2 * kLanes;
};

// As floats: those in the high halves of the words, then those in the low ones, which is the order of
// vdpbf16ps.
struct WidenedPairs : Bfloats {
  struct Operand {
    Floats high, low;
  };

  ALOUD_INLINE static Operand weights(const std::byte* row, std::int64_t k, std::int64_t left) {
    const Ints pairs = load_pairs(row + 2 * k, left);
    return {(Floats)(pairs & every_word(static_cast<int>(0xFFFF0000))), (Floats)shift(pairs, -16)};
  }
  ALOUD_INLINE static Operand input(const void* x, std::int64_t k, std::int64_t left) {
    return weights(static_cast<const std::byte*>(x), k, left);
  }
  ALOUD_INLINE static Floats add(Floats sum, const Operand& w, const Operand& x) {
    return multiply_add(w.low, x.low, multiply_add(w.high, x.high, sum));
  }
};

// Adds the products of columns [k, k + kValues), of which `left` are there.
template <class Type, int kRows, int kColumns>
ALOUD_INLINE void add_float_products(const std::byte* weights, std::int64_t row_size, const void* const* x,
                                     std::int64_t k, std::int64_t left, Floats (&sums)[kRows][kColumns]) {
  typename Type::Operand values[kColumns];
#pragma GCC unroll 4
  for (int c = 0; c < kColumns; ++c) values[c] = Type::input(x[c], k, left);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    const typename Type::Operand w = Type::weights(weights + r * row_size, k, left);
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) sums[r][c] = Type::add(sums[r][c], w, values[c]);
  }
}

// Every sum runs over k in the same order, whatever the tile's size.
template <class Type, int kRows, int kColumns>
void multiply_float_tile(const FloatProduct& product, std::int64_t row_size, std::int64_t row,
                         std::int64_t column) {
  const std::byte* weights = product.weights + row * row_size;
  const void* const* x = product.x + column;
  Floats sums[kRows][kColumns] = {};
  std::int64_t k = 0;
  for (; k + Type::kValues <= product.columns; k += Type::kValues) {
    add_float_products<Type>(weights, row_size, x, k, Type::kValues, sums);
  }
  if (k < product.columns) add_float_products<Type>(weights, row_size, x, k, product.columns - k, sums);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) {
      product.y[(column + c) * product.y_stride + row + r] = sum_of_lanes(sums[r][c]);
    }
  }
}

template <class Type, int kRows>
void multiply_float_rows(const FloatProduct& product, std::int64_t row_size, std::int64_t row) {
  std::int64_t column = 0;
  for (; column + kFloatTileColumns <= product.count; column += kFloatTileColumns) {
    multiply_float_tile<Type, kRows, kFloatTileColumns>(product, row_size, row, column);
  }
  for (; column < product.count; ++column)
    multiply_float_tile<Type, kRows, 1>(product, row_size, row, column);
}

template <class Type>
void multiply_floats_of(const FloatProduct& product) {
  const std::int64_t row_size = row_bytes(Type::kWeights, product.columns);
  std::int64_t row = 0;
  for (; row + kFloatTileRows <= product.rows; row += kFloatTileRows) {
    multiply_float_rows<Type, kFloatTileRows>(product, row_size, row);
  }
  for (; row < product.rows; ++row) multiply_float_rows<Type, 1>(product, row_size, row);
}

// Pairs: how bfloat16 is multiplied.
template <class Pairs>
void multiply_floats(const FloatProduct& product) {
  switch (product.type) {
    case DType::kF32:
      return multiply_floats_of<SingleFloats<DType::kF32>>(product);
    case DType::kF16:
      return multiply_floats_of<SingleFloats<DType::kF16>>(product);
    default:
      return multiply_floats_of<Pairs>(product);
  }
}

}  // namespace
}  // namespace aloud
