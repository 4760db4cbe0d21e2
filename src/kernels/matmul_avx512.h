// What the AVX-512 files of matmul share: dot products of bytes, transposing loads, and what becomes of
// unpacked quants. Everything is in an unnamed namespace, so that no other file can end up with a copy
// compiled for AVX-512.
#pragma once

// GCC 12 warns of uninitialised values inside its own AVX-512 intrinsics (its bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include "kernels/matmul_kernels.h"

#define ALOUD_INLINE [[gnu::always_inline]] inline

namespace aloud {

// The types of matmul_panels_basic_avx512.cc and matmul_panels_avx512.cc.
const PanelFormat* find_basic_panel_format_avx512(DType type);
const PanelFormat* find_k_panel_format_avx512(DType type);
void multiply_floats_avx512(const FloatProduct& product);

namespace {

using Words = std::uint32_t __attribute__((vector_size(64)));
using UnalignedWord [[gnu::may_alias, gnu::aligned(1)]] = std::uint32_t;

// sum += weights (uint8) times x (int8), four neighbours at a time. GCC 12 spills large tiles of the
// intrinsic's accumulators; a tied operand keeps them in their registers.
ALOUD_INLINE void dot_bytes(__m512i& sum, __m512i weights, __m512i x) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(weights), "v"(x));
}
ALOUD_INLINE void dot_bytes(__m512i& sum, __m512i weights, const std::int8_t* four) {
  asm("vpdpbusd %2%{1to16%}, %1, %0"
      : "+v"(sum)
      : "v"(weights), "m"(*reinterpret_cast<const UnalignedWord*>(four)));
}

// One weight group's part of a total: see matmul.h. first: there is no total yet. kBias: quants are stored +
// 128.
template <bool kBias, bool kOffset>
ALOUD_INLINE __m512 add_part(bool first, __m512 total, __m512i dot, __m512 scale, __m512 offset, float bias) {
  __m512 value = _mm512_cvtepi32_ps(dot);
  if (kBias) value = _mm512_add_ps(value, _mm512_set1_ps(bias));
  value = first ? _mm512_mul_ps(value, scale) : _mm512_fmadd_ps(value, scale, total);
  return kOffset ? _mm512_fmadd_ps(offset, _mm512_set1_ps(bias), value) : value;
}

// 16 rows, `stride` bytes apart.
struct Rows {
  const std::byte* first;
  std::int64_t stride;
};

// The 128-bit lanes are rows i, i + 4, i + 8, i + 12. Masked broadcasts cost no shuffle.
ALOUD_INLINE __m512i load_four_rows(const Rows& rows, int i, std::int64_t offset) {
  const std::byte* at = rows.first + i * rows.stride + offset;
  const auto load = [&](int row) __attribute__((always_inline)) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + row * rows.stride));
  };
  __m512i result = _mm512_castsi128_si512(load(0));
  result = _mm512_mask_broadcast_i32x4(result, 0x00F0, load(4));
  result = _mm512_mask_broadcast_i32x4(result, 0x0F00, load(8));
  return _mm512_mask_broadcast_i32x4(result, 0xF000, load(12));
}

// Four dwords of 16 rows: word[j] holds in lane i the dword at offset + 4 * j of row i.
struct FourWords {
  __m512i word[4];
};

ALOUD_INLINE FourWords load_words(const Rows& rows, std::int64_t offset) {
  const __m512i a = load_four_rows(rows, 0, offset);
  const __m512i b = load_four_rows(rows, 1, offset);
  const __m512i c = load_four_rows(rows, 2, offset);
  const __m512i d = load_four_rows(rows, 3, offset);
  const __m512i ab_low = _mm512_unpacklo_epi32(a, b);
  const __m512i ab_high = _mm512_unpackhi_epi32(a, b);
  const __m512i cd_low = _mm512_unpacklo_epi32(c, d);
  const __m512i cd_high = _mm512_unpackhi_epi32(c, d);
  return {{_mm512_unpacklo_epi64(ab_low, cd_low), _mm512_unpackhi_epi64(ab_low, cd_low),
           _mm512_unpacklo_epi64(ab_high, cd_high), _mm512_unpackhi_epi64(ab_high, cd_high)}};
}

ALOUD_INLINE __m512i bytes(int value) { return _mm512_set1_epi8(static_cast<char>(value)); }
ALOUD_INLINE __m512i both(__m512i a, __m512i b) { return _mm512_and_si512(a, b); }
// (a & mask) | b
ALOUD_INLINE __m512i masked_or(__m512i a, __m512i mask, __m512i b) {
  return _mm512_ternarylogic_epi32(a, mask, b, 0xEA);
}
// Dwords shifted right; a negative count shifts left.
ALOUD_INLINE __m512i shift(__m512i words, int count) {
  return count >= 0 ? (__m512i)((Words)words >> count) : (__m512i)((Words)words << -count);
}
// The upper half of each dword of a, then the lower half of b's.
ALOUD_INLINE __m512i join_halves(__m512i a, __m512i b) {
  return _mm512_or_si512(shift(a, 16), shift(b, -16));
}

// The float16 in the low (high) half of each dword.
ALOUD_INLINE __m512 low_half(__m512i words) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words)); }
ALOUD_INLINE __m512 high_half(__m512i words) { return low_half(shift(words, 16)); }

// The table of IQ4_NL and IQ4_XS plus 128, for byte shuffles.
ALOUD_INLINE __m512i biased_iq4_values() {
  return _mm512_add_epi8(_mm512_broadcast_i32x4(_mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10,  //
                                                              1, 13, 25, 38, 53, 69, 89, 113)),
                         bytes(0x80));
}

// Where a block's scales and offsets go, group by group.
struct GroupScales {
  float (*scale)[kPanelRows];
  float (*offset)[kPanelRows];
};

// One way of using quants: they are stored for later. put(step, quants) takes columns 4 * step ... 4 * step
// + 3.
struct QuantStore {
  std::uint8_t (*quant)[kPanelRows][4];
  ALOUD_INLINE void put(int step, __m512i quants) { _mm512_store_si512(quant[step], quants); }
};

// The other: they meet one vector at once.
template <int kGroup, int kValues>
struct QuantDot {
  const ActivationGroup* x;
  __m512i dot[kValues / kGroup];
  ALOUD_INLINE void put(int step, __m512i quants) {
    dot_bytes(dot[step * 4 / kGroup], quants, x[step / 8].quant + step % 8 * 4);
  }
};

// A type is a struct: its block and
//   template <class Sink> static void take(const Rows& rows, GroupScales scales, Sink& sink);
// which takes one block of 16 rows apart.
template <class Type>
void unpack_panel(const std::byte* blocks, std::int64_t stride, int values, WeightPanel& panel) {
  constexpr int kGroups = Type::kValues / Type::kGroup;
  for (int b = 0; b < values / Type::kValues; ++b) {
    QuantStore store{panel.quant + b * Type::kValues / 4};
    Type::take(Rows{blocks + b * Type::kBytes, stride},
               GroupScales{panel.scale + b * kGroups, panel.offset + b * kGroups}, store);
  }
}

template <class Type>
void multiply_vector(const std::byte* blocks, std::int64_t stride, int values, const ActivationGroup* x,
                     float* sums) {
  constexpr int kGroups = Type::kValues / Type::kGroup;
  constexpr int kParts = kActivationGroup / Type::kGroup;
  constexpr bool kBias = Type::kForm == QuantForm::kBiased;
  alignas(64) float scale[kGroups][kPanelRows];
  alignas(64) float offset[kGroups][kPanelRows];
  __m512 sum = _mm512_load_ps(sums);
  for (int b = 0; b < values / Type::kValues; ++b, x += Type::kValues / kActivationGroup) {
    QuantDot<Type::kGroup, Type::kValues> sink;
    sink.x = x;
#pragma GCC unroll 16
    for (int g = 0; g < kGroups; ++g) sink.dot[g] = _mm512_setzero_si512();
    Type::take(Rows{blocks + b * Type::kBytes, stride}, GroupScales{scale, offset}, sink);
#pragma GCC unroll 8
    for (int g = 0; g < kGroups / kParts; ++g) {
      __m512 total = _mm512_setzero_ps();
#pragma GCC unroll 2
      for (int part = 0; part < kParts; ++part) {
        const int i = g * kParts + part;
        const __m512 group_offset = Type::kOffset ? _mm512_load_ps(offset[i]) : _mm512_setzero_ps();
        total = add_part<kBias, Type::kOffset>(part == 0, total, sink.dot[i], _mm512_load_ps(scale[i]),
                                               group_offset, kParts == 1 ? x[g].bias : x[g].half_bias[part]);
      }
      sum = _mm512_fmadd_ps(total, _mm512_set1_ps(x[g].scale), sum);
    }
  }
  _mm512_store_ps(sums, sum);
}

template <class Type>
constexpr PanelFormat panel_format(DType type) {
  return {type, Type::kGroup, Type::kOffset, Type::kForm, unpack_panel<Type>, multiply_vector<Type>};
}

}  // namespace
}  // namespace aloud
