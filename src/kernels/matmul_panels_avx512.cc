// Takes panels of weights apart with AVX-512: 16 rows are transposed so that lanes are rows, then bits are
// split. GCC 12 warns of uninitialised values inside its own AVX-512 intrinsics (its bug 105593).
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include "kernels/matmul_kernels.h"

namespace aloud {
namespace {

#define ALOUD_INLINE inline __attribute__((always_inline))

// 16 rows, `stride` bytes apart.
struct Rows {
  const std::byte* first;
  std::int64_t stride;
};

// The 128-bit lanes are rows i, i + 4, i + 8, i + 12. Masked broadcasts cost no shuffle.
ALOUD_INLINE __m512i load_four_rows(const Rows& rows, int i, std::int64_t offset) {
  const std::byte* at = rows.first + i * rows.stride + offset;
  const auto load = [&](int row) {
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

// The float16 in the low (high) half of each dword.
ALOUD_INLINE __m512 low_half(__m512i words) { return _mm512_cvtph_ps(_mm512_cvtepi32_epi16(words)); }
ALOUD_INLINE __m512 high_half(__m512i words) { return low_half(_mm512_srli_epi32(words, 16)); }

ALOUD_INLINE __m512i bytes(int value) { return _mm512_set1_epi8(static_cast<char>(value)); }
ALOUD_INLINE __m512i both(__m512i a, __m512i b) { return _mm512_and_si512(a, b); }

// (a & mask) | b
ALOUD_INLINE __m512i masked_or(__m512i a, __m512i mask, __m512i b) {
  return _mm512_ternarylogic_epi32(a, mask, b, 0xEA);
}

ALOUD_INLINE void store(std::uint8_t (*place)[4], __m512i quants) { _mm512_store_si512(place, quants); }

// Byte `index` of each dword, unsigned (signed), as a float.
template <int kIndex>
ALOUD_INLINE __m512 byte_float(__m512i words) {
  if constexpr (kIndex == 3) return _mm512_cvtepi32_ps(_mm512_srli_epi32(words, 24));
  return _mm512_cvtepi32_ps(both(_mm512_srli_epi32(words, 8 * kIndex), _mm512_set1_epi32(0xFF)));
}
template <int kIndex>
ALOUD_INLINE __m512 signed_byte_float(__m512i words) {
  return _mm512_cvtepi32_ps(_mm512_srai_epi32(_mm512_slli_epi32(words, 24 - 8 * kIndex), 24));
}

// Four groups' scales: factor times the bytes of a dword.
ALOUD_INLINE void store_four_scales(float (*place)[kPanelRows], __m512i words, __m512 factor) {
  _mm512_store_ps(place[0], _mm512_mul_ps(factor, byte_float<0>(words)));
  _mm512_store_ps(place[1], _mm512_mul_ps(factor, byte_float<1>(words)));
  _mm512_store_ps(place[2], _mm512_mul_ps(factor, byte_float<2>(words)));
  _mm512_store_ps(place[3], _mm512_mul_ps(factor, byte_float<3>(words)));
}
ALOUD_INLINE void store_four_signed_scales(float (*place)[kPanelRows], __m512i words, __m512 factor) {
  _mm512_store_ps(place[0], _mm512_mul_ps(factor, signed_byte_float<0>(words)));
  _mm512_store_ps(place[1], _mm512_mul_ps(factor, signed_byte_float<1>(words)));
  _mm512_store_ps(place[2], _mm512_mul_ps(factor, signed_byte_float<2>(words)));
  _mm512_store_ps(place[3], _mm512_mul_ps(factor, signed_byte_float<3>(words)));
}

// The head of Q4_K and Q5_K: d, dmin, then eight 6-bit scales and eight 6-bit minima in 12 bytes.
ALOUD_INLINE void unpack_scales_and_minima(const Rows& rows, WeightPanel& panel) {
  const FourWords head = load_words(rows, 0);
  const __m512 d = low_half(head.word[0]);
  // value = d * scale * quant - dmin * minimum; offsets are kept times kOffsetFactor.
  const __m512 minus_dmin = _mm512_mul_ps(high_half(head.word[0]), _mm512_set1_ps(-kOffsetFactor));
  const __m512i low_scales = both(head.word[1], bytes(0x3F));
  const __m512i low_minima = both(head.word[2], bytes(0x3F));
  const __m512i high_scales =
      masked_or(_mm512_srli_epi32(head.word[1], 2), bytes(0x30), both(head.word[3], bytes(0x0F)));
  const __m512i high_minima = masked_or(_mm512_srli_epi32(head.word[2], 2), bytes(0x30),
                                        both(_mm512_srli_epi32(head.word[3], 4), bytes(0x0F)));
  store_four_scales(panel.scale, low_scales, d);
  store_four_scales(panel.scale + 4, high_scales, d);
  store_four_scales(panel.offset, low_minima, minus_dmin);
  store_four_scales(panel.offset + 4, high_minima, minus_dmin);
}

void unpack_q4_k(const std::byte* blocks, std::int64_t stride, int, WeightPanel& panel) {
  const Rows rows{blocks, stride};
  unpack_scales_and_minima(rows, panel);
  const __m512i nibble = bytes(0x0F);
  // Each 32 bytes hold one group in their low nibbles and the next in their high ones.
  for (int q = 0; q < 8; ++q) {
    const FourWords words = load_words(rows, 16 + 16 * q);
    std::uint8_t(*place)[kPanelRows][4] = panel.quant + q / 2 * 16 + q % 2 * 4;
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      store(place[j], both(words.word[j], nibble));
      store(place[j + 8], both(_mm512_srli_epi32(words.word[j], 4), nibble));
    }
  }
}

void unpack_q6_k(const std::byte* blocks, std::int64_t stride, int, WeightPanel& panel) {
  const Rows rows{blocks, stride};
  const __m512 d = high_half(load_words(rows, 194).word[3]);
  const FourWords scales = load_words(rows, 192);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) store_four_signed_scales(panel.scale + 4 * j, scales.word[j], d);
  const __m512i nibble = bytes(0x0F);
  const __m512i high = bytes(0x30);
  const __m512i bias = bytes(128 - 32);
  // 128 values lie in 64 bytes of low nibbles (two halves of 32) and 32 bytes of upper pairs of bits.
  for (int part = 0; part < 4; ++part) {
    const int half = part / 2;
    const int offset = part % 2 * 16;
    const FourWords first = load_words(rows, half * 64 + offset);
    const FourWords second = load_words(rows, half * 64 + 32 + offset);
    const FourWords pairs = load_words(rows, 128 + half * 32 + offset);
    std::uint8_t(*place)[kPanelRows][4] = panel.quant + half * 32 + offset / 4;
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      const __m512i a = first.word[j];
      const __m512i b = second.word[j];
      const __m512i h = pairs.word[j];
      const __m512i q0 = masked_or(_mm512_slli_epi32(h, 4), high, both(a, nibble));
      const __m512i q1 = masked_or(_mm512_slli_epi32(h, 2), high, both(b, nibble));
      const __m512i q2 = masked_or(h, high, both(_mm512_srli_epi32(a, 4), nibble));
      const __m512i q3 = masked_or(_mm512_srli_epi32(h, 2), high, both(_mm512_srli_epi32(b, 4), nibble));
      store(place[j], _mm512_add_epi8(q0, bias));
      store(place[j + 8], _mm512_add_epi8(q1, bias));
      store(place[j + 16], _mm512_add_epi8(q2, bias));
      store(place[j + 24], _mm512_add_epi8(q3, bias));
    }
  }
}

void unpack_q8_0(const std::byte* blocks, std::int64_t stride, int values, WeightPanel& panel) {
  const __m512i sign = bytes(0x80);
  for (int g = 0; g < values / 32; ++g) {
    const Rows rows{blocks + 34 * g, stride};
    _mm512_store_ps(panel.scale[g], low_half(load_words(rows, 0).word[0]));
    const FourWords first = load_words(rows, 2);
    const FourWords second = load_words(rows, 18);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      store(panel.quant[8 * g + j], _mm512_xor_si512(first.word[j], sign));
      store(panel.quant[8 * g + 4 + j], _mm512_xor_si512(second.word[j], sign));
    }
  }
}

constexpr PanelFormat kFormats[] = {
    {DType::kQ4_K, 32, true, QuantForm::kUnsigned, unpack_q4_k},
    {DType::kQ6_K, 16, false, QuantForm::kBiased, unpack_q6_k},
    {DType::kQ8_0, 32, false, QuantForm::kBiased, unpack_q8_0},
};

}  // namespace

const PanelFormat* find_panel_format_avx512(DType type) {
  for (const PanelFormat& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

}  // namespace aloud
