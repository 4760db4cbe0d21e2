// The vector operations that matmul's shared code is written in, with AVX2: 8 lanes, one per row.
//
// Included only by _avx2.cc files; see matmul_lanes_avx512.h, which has the same names.
#pragma once

#include <immintrin.h>

#include "kernels/matmul_kernels.h"

#define ALOUD_INLINE [[gnu::always_inline]] inline

namespace aloud {
namespace {

using Ints = __m256i;
using Floats = __m256;
constexpr int kLanes = 8;

constexpr QuantForm kSignedForm = QuantForm::kSigned;
constexpr int kQuantBias = 0;

// A register tile of matmul_tiles.h: the two halves of a panel by so many columns.
constexpr int kTileVectors = 2;
constexpr int tile_columns(int) { return 3; }
// A register tile of matmul_floats.h.
constexpr int kFloatTileRows = 4;
constexpr int kFloatTileColumns = 2;

ALOUD_INLINE Ints load_ints(const void* at) { return _mm256_load_si256(static_cast<const __m256i*>(at)); }
ALOUD_INLINE void store_ints(void* at, Ints value) { _mm256_store_si256(static_cast<__m256i*>(at), value); }
ALOUD_INLINE Ints every_byte(int value) { return _mm256_set1_epi8(static_cast<char>(value)); }
ALOUD_INLINE Ints every_word(std::int32_t value) { return _mm256_set1_epi32(value); }
ALOUD_INLINE Ints every_16_bytes(__m128i value) { return _mm256_broadcastsi128_si256(value); }
ALOUD_INLINE Floats load_floats(const float* at) { return _mm256_load_ps(at); }
ALOUD_INLINE void store_floats(float* at, Floats value) { _mm256_store_ps(at, value); }
ALOUD_INLINE Floats every_float(float value) { return _mm256_set1_ps(value); }
ALOUD_INLINE Floats to_floats(Ints words) { return _mm256_cvtepi32_ps(words); }
ALOUD_INLINE Floats multiply_add(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }

// (a & mask) | b
ALOUD_INLINE Ints masked_or(Ints a, Ints mask, Ints b) {
  return _mm256_or_si256(_mm256_and_si256(a, mask), b);
}
// Bytes of each 16 of the table.
ALOUD_INLINE Ints look_up(Ints table, Ints places) { return _mm256_shuffle_epi8(table, places); }
// The float16 in the low half of each word.
ALOUD_INLINE Floats low_half(Ints words) {
  const __m256i low = _mm256_and_si256(words, _mm256_set1_epi32(0xFFFF));
  const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, low), 0x08);
  return _mm256_cvtph_ps(_mm256_castsi256_si128(packed));
}
// bytes + addend where bits & mask is not zero; a byte of mask has one bit.
ALOUD_INLINE Ints add_where_set(Ints bytes, Ints addend, Ints bits, Ints mask) {
  const Ints set = _mm256_cmpeq_epi8(_mm256_and_si256(bits, mask), mask);
  return _mm256_add_epi8(bytes, _mm256_and_si256(set, addend));
}

// Four neighbouring quants of x.
ALOUD_INLINE Ints every_four(const std::int8_t* quants) {
  std::int32_t four;
  __builtin_memcpy(&four, quants, sizeof four);
  return _mm256_set1_epi32(four);
}

// Weights ready to be multiplied. vpmaddubsw takes one side unsigned and saturates its sums of two at 2^15,
// so weights that can be negative give their sign to x: |w| * x is at most 128 * 127 * 2.
template <QuantForm kForm>
struct Factors {
  Ints bytes;
  Ints magnitude;
};
template <QuantForm kForm>
ALOUD_INLINE Factors<kForm> prepare(Ints bytes) {
  return {bytes, kForm == QuantForm::kSigned ? _mm256_abs_epi8(bytes) : bytes};
}

// sum += weights times x, four neighbours at a time.
template <QuantForm kForm>
ALOUD_INLINE void add_products(Ints& sum, const Factors<kForm>& weights, Ints x) {
  if (kForm == QuantForm::kSigned) x = _mm256_sign_epi8(x, weights.bytes);
  const Ints pairs = _mm256_maddubs_epi16(weights.magnitude, x);
  sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
template <QuantForm kForm>
ALOUD_INLINE void add_products(Ints& sum, const Factors<kForm>& weights, const std::int8_t* four) {
  add_products(sum, weights, every_four(four));
}

// Rows of blocks, `stride` bytes apart.
struct Rows {
  const std::byte* first;
  std::int64_t stride;
};

// The 128-bit lanes are rows i and i + 4.
ALOUD_INLINE Ints load_every_fourth_row(const Rows& rows, int i, std::int64_t offset) {
  const std::byte* at = rows.first + i * rows.stride + offset;
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 4 * rows.stride));
  return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}
ALOUD_INLINE Ints interleave_low_32(Ints a, Ints b) { return _mm256_unpacklo_epi32(a, b); }
ALOUD_INLINE Ints interleave_high_32(Ints a, Ints b) { return _mm256_unpackhi_epi32(a, b); }
ALOUD_INLINE Ints interleave_low_64(Ints a, Ints b) { return _mm256_unpacklo_epi64(a, b); }
ALOUD_INLINE Ints interleave_high_64(Ints a, Ints b) { return _mm256_unpackhi_epi64(a, b); }

// What matmul_floats.h needs: 8 values, those past the first `left` as zeros.
ALOUD_INLINE Floats load_f32(const void* at, std::int64_t left) {
  if (left >= kLanes) return _mm256_loadu_ps(static_cast<const float*>(at));
  float some[kLanes] = {};
  __builtin_memcpy(some, at, left * sizeof(float));
  return _mm256_loadu_ps(some);
}
ALOUD_INLINE __m128i load_16_bits(const void* at, std::int64_t left) {
  if (left >= kLanes) return _mm_loadu_si128(static_cast<const __m128i*>(at));
  std::uint16_t some[kLanes] = {};
  __builtin_memcpy(some, at, left * sizeof(std::uint16_t));
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(some));
}
ALOUD_INLINE Floats load_f16(const void* at, std::int64_t left) {
  return _mm256_cvtph_ps(load_16_bits(at, left));
}
ALOUD_INLINE Floats load_bf16(const void* at, std::int64_t left) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(load_16_bits(at, left)), 16));
}
ALOUD_INLINE float sum_of_lanes(Floats value) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

}  // namespace
}  // namespace aloud
