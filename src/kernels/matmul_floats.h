// Float weights times float columns in register tiles whose lanes run along k: see matmul_lanes_avx512.h.
#pragma once

namespace aloud {
namespace {

template <DType kType>
ALOUD_INLINE Floats load_weights(const std::byte* row, std::int64_t k, std::int64_t left) {
  if constexpr (kType == DType::kF32) return load_f32(row + 4 * k, left);
  if constexpr (kType == DType::kF16) return load_f16(row + 2 * k, left);
  return load_bf16(row + 2 * k, left);
}

// Adds the products of columns [k, k + kLanes), of which `left` are there.
template <DType kType, int kRows, int kColumns>
ALOUD_INLINE void add_float_products(const std::byte* weights, std::int64_t row_size, const float* const* x,
                                     std::int64_t k, std::int64_t left, Floats (&sums)[kRows][kColumns]) {
  Floats values[kColumns];
#pragma GCC unroll 4
  for (int c = 0; c < kColumns; ++c) values[c] = load_f32(x[c] + k, left);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
    const Floats w = load_weights<kType>(weights + r * row_size, k, left);
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) sums[r][c] = multiply_add(w, values[c], sums[r][c]);
  }
}

// Every sum runs over k in the same order, whatever the tile's size.
template <DType kType, int kRows, int kColumns>
void multiply_float_tile(const FloatProduct& product, std::int64_t row_size, std::int64_t row,
                         std::int64_t column) {
  const std::byte* weights = product.weights + row * row_size;
  const float* const* x = product.x + column;
  Floats sums[kRows][kColumns] = {};
  std::int64_t k = 0;
  for (; k + kLanes <= product.columns; k += kLanes) {
    add_float_products<kType>(weights, row_size, x, k, kLanes, sums);
  }
  if (k < product.columns) add_float_products<kType>(weights, row_size, x, k, product.columns - k, sums);
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) {
      product.y[(column + c) * product.y_stride + row + r] = sum_of_lanes(sums[r][c]);
    }
  }
}

template <DType kType, int kRows>
void multiply_float_rows(const FloatProduct& product, std::int64_t row_size, std::int64_t row) {
  std::int64_t column = 0;
  for (; column + kFloatTileColumns <= product.count; column += kFloatTileColumns) {
    multiply_float_tile<kType, kRows, kFloatTileColumns>(product, row_size, row, column);
  }
  for (; column < product.count; ++column)
    multiply_float_tile<kType, kRows, 1>(product, row_size, row, column);
}

template <DType kType>
void multiply_floats_of(const FloatProduct& product) {
  const std::int64_t row_size = row_bytes(kType, product.columns);
  std::int64_t row = 0;
  for (; row + kFloatTileRows <= product.rows; row += kFloatTileRows) {
    multiply_float_rows<kType, kFloatTileRows>(product, row_size, row);
  }
  for (; row < product.rows; ++row) multiply_float_rows<kType, 1>(product, row_size, row);
}

void multiply_floats(const FloatProduct& product) {
  switch (product.type) {
    case DType::kF32:
      return multiply_floats_of<DType::kF32>(product);
    case DType::kF16:
      return multiply_floats_of<DType::kF16>(product);
    default:
      return multiply_floats_of<DType::kBF16>(product);
  }
}

}  // namespace
}  // namespace aloud
