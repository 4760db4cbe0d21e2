// matmul of float weights with AVX-512: lanes run along k, four rows by four columns at a time.
#include "kernels/matmul_avx512.h"

namespace aloud {
namespace {

constexpr int kTile = 4;

// 16 weights from k on, those that the mask leaves out as zeros.
template <DType kType>
ALOUD_INLINE __m512 load_weights(const std::byte* row, std::int64_t k, __mmask16 mask) {
  if constexpr (kType == DType::kF32) {
    return _mm512_maskz_loadu_ps(mask, row + 4 * k);
  } else {
    const __m256i bits = _mm256_maskz_loadu_epi16(mask, row + 2 * k);
    if constexpr (kType == DType::kF16) return _mm512_cvtph_ps(bits);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
  }
}

// One register tile. Every sum runs over k in the same order, whatever the tile's size.
template <DType kType, int kRows, int kColumns>
void multiply_tile(const FloatProduct& product, std::int64_t row_size, std::int64_t row,
                   std::int64_t column) {
  const std::byte* weights = product.weights + row * row_size;
  const float* const* x = product.x + column;
  __m512 sums[kRows][kColumns];
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) sums[r][c] = _mm512_setzero_ps();
  }
  for (std::int64_t k = 0; k < product.columns; k += 16) {
    const std::int64_t left = product.columns - k;
    const auto mask = static_cast<__mmask16>(left >= 16 ? 0xFFFF : (1 << left) - 1);
    __m512 four[kColumns];
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) four[c] = _mm512_maskz_loadu_ps(mask, x[c] + k);
#pragma GCC unroll 4
    for (int r = 0; r < kRows; ++r) {
      const __m512 w = load_weights<kType>(weights + r * row_size, k, mask);
#pragma GCC unroll 4
      for (int c = 0; c < kColumns; ++c) sums[r][c] = _mm512_fmadd_ps(w, four[c], sums[r][c]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int c = 0; c < kColumns; ++c) {
      product.y[(column + c) * product.y_stride + row + r] = _mm512_reduce_add_ps(sums[r][c]);
    }
  }
}

template <DType kType, int kRows>
void multiply_rows(const FloatProduct& product, std::int64_t row_size, std::int64_t row) {
  std::int64_t column = 0;
  for (; column + kTile <= product.count; column += kTile) {
    multiply_tile<kType, kRows, kTile>(product, row_size, row, column);
  }
  switch (product.count - column) {
    case 3:
      return multiply_tile<kType, kRows, 3>(product, row_size, row, column);
    case 2:
      return multiply_tile<kType, kRows, 2>(product, row_size, row, column);
    case 1:
      return multiply_tile<kType, kRows, 1>(product, row_size, row, column);
  }
}

template <DType kType>
void multiply_type(const FloatProduct& product) {
  const std::int64_t row_size = row_bytes(kType, product.columns);
  std::int64_t row = 0;
  for (; row + kTile <= product.rows; row += kTile) multiply_rows<kType, kTile>(product, row_size, row);
  for (; row < product.rows; ++row) multiply_rows<kType, 1>(product, row_size, row);
}

}  // namespace

void multiply_floats_avx512(const FloatProduct& product) {
  switch (product.type) {
    case DType::kF32:
      return multiply_type<DType::kF32>(product);
    case DType::kF16:
      return multiply_type<DType::kF16>(product);
    default:
      return multiply_type<DType::kBF16>(product);
  }
}

}  // namespace aloud
