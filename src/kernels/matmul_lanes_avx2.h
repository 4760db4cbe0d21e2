// The vector operations that matmul's shared code is written in, with AVX2: 8 lanes, one per row.
//
// Included only by _avx2.cc and _avxvnni.cc files, which then include their products; see
// matmul_lanes_avx512.h, which has the same names.
#pragma once

#include <immintrin.h>

#include "kernels/matmul_kernels.h"

#define ALOUD_INLINE [[gnu::always_inline]] inline

namespace aloud {
namespace {

using Ints = __m256i;
using Floats = __m256;
constexpr int kLanes = 8;

// Quants of few bits are multiplied unsigned and their zero is an offset, which spares them the sign.
constexpr bool kSmallQuantsHaveOffsets = true;

constexpr bool kWholeScales = false;

// A register tile of matmul_tiles.h: the two halves of a panel by so many columns.
constexpr int kTileVectors = 2;
constexpr int kTileColumns = 3;
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

// Tiles are multiplied with x as it is.
template <QuantForm>
ALOUD_INLINE Ints factors_of_x(Ints x) {
  return x;
}

// Words times words, the low halves of the products.
ALOUD_INLINE Ints multiply_words(Ints a, Ints b) { return _mm256_mullo_epi32(a, b); }
// sum + the products of two neighbours of 16 bits.
ALOUD_INLINE Ints add_pairs(Ints sum, Ints a, Ints b) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

// (a & mask) | b
ALOUD_INLINE Ints masked_or(Ints a, Ints mask, Ints b) {
  return _mm256_or_si256(_mm256_and_si256(a, mask), b);
}
// Bytes of each 16 of the table.
ALOUD_INLINE Ints look_up(Ints table, Ints places) { return _mm256_shuffle_epi8(table, places); }
// A float16 of each row.
ALOUD_INLINE Floats load_halves(const std::byte* at) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}
// A byte of each row as words.
ALOUD_INLINE Ints load_bytes(const std::byte* at) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)));
}
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

// Four bytes, to every word.
ALOUD_INLINE Ints every_four(const void* bytes) {
  std::int32_t four;
  __builtin_memcpy(&four, bytes, sizeof four);
  return _mm256_set1_epi32(four);
}

// What matmul_floats.h needs: 8 values, those past the first `left` as zeros.
ALOUD_INLINE Floats load_f32(const void* at, std::int64_t left) {
  if (left >= kLanes) return _mm256_loadu_ps(static_cast<const float*>(at));
  float some[kLanes] = {};
  __builtin_memcpy(some, at, left * sizeof(float));
  return _mm256_loadu_ps(some);
}
ALOUD_INLINE Floats load_f16(const void* at, std::int64_t left) {
  if (left >= kLanes) return _mm256_cvtph_ps(_mm_loadu_si128(static_cast<const __m128i*>(at)));
  std::uint16_t some[kLanes] = {};
  __builtin_memcpy(some, at, left * sizeof(std::uint16_t));
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(some)));
}
// Twice as many of 16 bits.
ALOUD_INLINE Ints load_pairs(const void* at, std::int64_t left) {
  if (left >= 2 * kLanes) return _mm256_loadu_si256(static_cast<const __m256i*>(at));
  std::uint16_t some[2 * kLanes] = {};
  __builtin_memcpy(some, at, left * sizeof(std::uint16_t));
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(some));
}
ALOUD_INLINE float sum_of_lanes(Floats value) {
  __m128 sum = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps(value, 1));
  sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
  return _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)));
}

}  // namespace
}  // namespace aloud
