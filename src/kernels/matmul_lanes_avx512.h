// The vector operations that matmul's shared code is written in, with AVX-512: 16 lanes, one per row.
//
// Included only by _avx512.cc files, which then include its products and the matmul_*.h that build on these
// names. All of it is in an unnamed namespace, so that no other file can end up with a copy compiled for
// AVX-512.
#pragma once

// GCC 12 warns of uninitialised values inside its own AVX-512 intrinsics (its bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include "kernels/matmul_kernels.h"

#define ALOUD_INLINE [[gnu::always_inline]] inline

namespace aloud {
namespace {

using Ints = __m512i;
using Floats = __m512;
constexpr int kLanes = 16;

// Quants of few bits take the same way as others: undoing the bias is an addition, which does not compete
// with products.
constexpr bool kSmallQuantsHaveOffsets = false;

// Integer scales stay integers: see TileScales.
constexpr bool kWholeScales = true;

// A register tile of matmul_tiles.h: two panels by so many columns, 12 integer accumulators and 12 floats
// that they are scaled into.
constexpr int kTileVectors = 2;
constexpr int kTileColumns = 6;
// A register tile of matmul_floats.h.
constexpr int kFloatTileRows = 4;
constexpr int kFloatTileColumns = 4;

ALOUD_INLINE Ints load_ints(const void* at) { return _mm512_load_si512(at); }
ALOUD_INLINE void store_ints(void* at, Ints value) { _mm512_store_si512(at, value); }
ALOUD_INLINE Ints every_byte(int value) { return _mm512_set1_epi8(static_cast<char>(value)); }
ALOUD_INLINE Ints every_word(std::int32_t value) { return _mm512_set1_epi32(value); }
ALOUD_INLINE Ints every_16_bytes(__m128i value) { return _mm512_broadcast_i32x4(value); }
ALOUD_INLINE Floats load_floats(const float* at) { return _mm512_load_ps(at); }
ALOUD_INLINE void store_floats(float* at, Floats value) { _mm512_store_ps(at, value); }
ALOUD_INLINE Floats every_float(float value) { return _mm512_set1_ps(value); }
ALOUD_INLINE Floats to_floats(Ints words) { return _mm512_cvtepi32_ps(words); }
ALOUD_INLINE Floats multiply_add(Floats a, Floats b, Floats c) { return _mm512_fmadd_ps(a, b, c); }

// Words times words, the low halves of the products.
ALOUD_INLINE Ints multiply_words(Ints a, Ints b) { return _mm512_mullo_epi32(a, b); }
// sum + the products of two neighbours of 16 bits.
ALOUD_INLINE Ints add_pairs(Ints sum, Ints a, Ints b) { return _mm512_dpwssd_epi32(sum, a, b); }

// (a & mask) | b
ALOUD_INLINE Ints masked_or(Ints a, Ints mask, Ints b) { return _mm512_ternarylogic_epi32(a, mask, b, 0xEA); }
// Bytes of each 16 of the table.
ALOUD_INLINE Ints look_up(Ints table, Ints places) { return _mm512_shuffle_epi8(table, places); }
// A float16 of each row.
ALOUD_INLINE Floats load_halves(const std::byte* at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}
// A byte of each row as words.
ALOUD_INLINE Ints load_bytes(const std::byte* at) {
  return _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}
// The float16 in the low half of each word.
ALOUD_INLINE Floats low_half(Ints words) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words)); }
// bytes + addend where bits & mask is not zero.
ALOUD_INLINE Ints add_where_set(Ints bytes, Ints addend, Ints bits, Ints mask) {
  return _mm512_mask_add_epi8(bytes, _mm512_test_epi8_mask(bits, mask), bytes, addend);
}

// Four bytes, to every word.
ALOUD_INLINE Ints every_four(const void* bytes) {
  std::int32_t four;
  __builtin_memcpy(&four, bytes, sizeof four);
  return _mm512_set1_epi32(four);
}

// What matmul_floats.h needs: 16 values, those past the first `left` as zeros.
ALOUD_INLINE __mmask16 first_lanes(std::int64_t left) { return static_cast<__mmask16>((1 << left) - 1); }
ALOUD_INLINE Floats load_f32(const void* at, std::int64_t left) {
  return left >= kLanes ? _mm512_loadu_ps(at) : _mm512_maskz_loadu_ps(first_lanes(left), at);
}
ALOUD_INLINE Floats load_f16(const void* at, std::int64_t left) {
  if (left >= kLanes) return _mm512_cvtph_ps(_mm256_loadu_si256(static_cast<const __m256i*>(at)));
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(first_lanes(left), at));
}
// Twice as many of 16 bits.
ALOUD_INLINE Ints load_pairs(const void* at, std::int64_t left) {
  if (left >= 2 * kLanes) return _mm512_loadu_si512(at);
  return _mm512_maskz_loadu_epi16(static_cast<__mmask32>((std::int64_t{1} << left) - 1), at);
}
ALOUD_INLINE float sum_of_lanes(Floats value) { return _mm512_reduce_add_ps(value); }

}  // namespace
}  // namespace aloud
