// matmul with AVX-512 VNNI: panels of bytes times broadcast activations, lanes are rows.
#include "kernels/matmul_avx512.h"

namespace aloud {
namespace {

// Columns of x per register tile: 12 integer accumulators with two panels and 12 floats that they are scaled
// into. Groups of 16 have two scales to each of x's, which takes more registers.
constexpr int tile_columns(int group) { return group == 16 ? 4 : 6; }

ALOUD_INLINE __m512i broadcast_four(const std::int8_t* quants) {
  std::int32_t four;
  __builtin_memcpy(&four, quants, sizeof four);
  return _mm512_set1_epi32(four);
}

// dot[c][p] = 16 rows of panel p times column c over columns [k, k + kGroup) of the panel.
template <int kGroup, int kPanels, int kColumns>
ALOUD_INLINE void dot_group(const WeightPanel* panels, int k, const std::int8_t* const (&x)[kColumns],
                            __m512i (&dot)[kColumns][kPanels]) {
#pragma GCC unroll 8
  for (int c = 0; c < kColumns; ++c) {
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) dot[c][p] = _mm512_setzero_si512();
  }
#pragma GCC unroll 8
  for (int step = 0; step < kGroup / 4; ++step) {
    __m512i weights[kPanels];
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) weights[p] = _mm512_load_si512(panels[p].quant[k / 4 + step]);
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
      const __m512i four = broadcast_four(x[c] + 4 * step);
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) dot_bytes(dot[c][p], weights[p], four);
    }
  }
}

// One register tile: see PanelProduct. kBias: quants are stored + 128.
template <int kGroup, bool kBias, bool kOffset, int kPanels, int kColumns>
void multiply_tile(const WeightPanel* panels, int groups, const ActivationGroup* const* x, float* sums) {
  constexpr int kParts = kActivationGroup / kGroup;
  for (int g = 0; g < groups; ++g) {
    __m512 total[kColumns][kPanels];
#pragma GCC unroll 2
    for (int part = 0; part < kParts; ++part) {
      const std::int8_t* quants[kColumns];
#pragma GCC unroll 8
      for (int c = 0; c < kColumns; ++c) quants[c] = x[c][g].quant + part * kGroup;
      __m512i dot[kColumns][kPanels];
      dot_group<kGroup, kPanels, kColumns>(panels, g * kActivationGroup + part * kGroup, quants, dot);
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) {
        const __m512 scale = _mm512_load_ps(panels[p].scale[g * kParts + part]);
        const __m512 offset =
            kOffset ? _mm512_load_ps(panels[p].offset[g * kParts + part]) : _mm512_setzero_ps();
#pragma GCC unroll 8
        for (int c = 0; c < kColumns; ++c) {
          total[c][p] = add_part<kBias, kOffset>(part == 0, total[c][p], dot[c][p], scale, offset,
                                                 kParts == 1 ? x[c][g].bias : x[c][g].half_bias[part]);
        }
      }
    }
#pragma GCC unroll 8
    for (int c = 0; c < kColumns; ++c) {
      const __m512 scale = _mm512_set1_ps(x[c][g].scale);
#pragma GCC unroll 2
      for (int p = 0; p < kPanels; ++p) {
        float* sum = sums + (c * kPanelsAtOnce + p) * kPanelRows;
        _mm512_store_ps(sum, _mm512_fmadd_ps(total[c][p], scale, _mm512_load_ps(sum)));
      }
    }
  }
}

template <int kGroup, bool kBias, bool kOffset, int kPanels>
void multiply_columns(const PanelProduct& product) {
  constexpr int kTileColumns = tile_columns(kGroup);
  const ActivationGroup* const* x = product.x;
  float* sums = product.sums;
  int left = product.count;
  for (; left >= kTileColumns; left -= kTileColumns) {
    multiply_tile<kGroup, kBias, kOffset, kPanels, kTileColumns>(product.panels, product.groups, x, sums);
    x += kTileColumns;
    sums += kTileColumns * kPanelsAtOnce * kPanelRows;
  }
  switch (left) {
    case 5:
      return multiply_tile<kGroup, kBias, kOffset, kPanels, 5>(product.panels, product.groups, x, sums);
    case 4:
      return multiply_tile<kGroup, kBias, kOffset, kPanels, 4>(product.panels, product.groups, x, sums);
    case 3:
      return multiply_tile<kGroup, kBias, kOffset, kPanels, 3>(product.panels, product.groups, x, sums);
    case 2:
      return multiply_tile<kGroup, kBias, kOffset, kPanels, 2>(product.panels, product.groups, x, sums);
    case 1:
      return multiply_tile<kGroup, kBias, kOffset, kPanels, 1>(product.panels, product.groups, x, sums);
  }
}

template <int kGroup, bool kBias, bool kOffset>
void multiply_panels(const PanelProduct& product) {
  if (product.panel_count == 1) return multiply_columns<kGroup, kBias, kOffset, 1>(product);
  multiply_columns<kGroup, kBias, kOffset, 2>(product);
}

template <int kGroup>
void multiply_groups(const PanelFormat& format, const PanelProduct& product) {
  if (format.form == QuantForm::kUnsigned) return multiply_panels<kGroup, false, true>(product);
  if (format.has_offset) return multiply_panels<kGroup, true, true>(product);
  multiply_panels<kGroup, true, false>(product);
}

void multiply(const PanelFormat& format, const PanelProduct& product) {
  if (format.group == 16) return multiply_groups<16>(format, product);
  multiply_groups<32>(format, product);
}

void quantise(const float* x, std::int64_t count, ActivationGroup* groups) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  for (std::int64_t g = 0; g < count; ++g, x += kActivationGroup) {
    const __m512 low = _mm512_loadu_ps(x);
    const __m512 high = _mm512_loadu_ps(x + 16);
    // Magnitudes compared as bits: infinities and NaN come out on top.
    const std::int32_t largest_bits =
        _mm512_reduce_max_epi32(_mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(low), magnitude),
                                                 _mm512_and_si512(_mm512_castps_si512(high), magnitude)));
    const float largest = __builtin_bit_cast(float, largest_bits);
    ActivationGroup& group = groups[g];
    const bool finite = largest_bits < 0x7F800000;
    group.scale = finite ? largest / 127.0f : __builtin_nanf("");
    if (!(group.scale >= __FLT_MIN__)) {
      if (finite) group.scale = 0;
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(group.quant), _mm256_setzero_si256());
      // -128 times a sum of zeros, as the scalar form has it.
      group.bias = group.half_bias[0] = group.half_bias[1] = 0;
      continue;
    }
    const __m512 inverse = _mm512_set1_ps(127.0f / largest);
    const __m512i low_quants = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
    const __m512i high_quants = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(group.quant), _mm512_cvtepi32_epi8(low_quants));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(group.quant + 16), _mm512_cvtepi32_epi8(high_quants));
    const int low_sum = _mm512_reduce_add_epi32(low_quants);
    const int high_sum = _mm512_reduce_add_epi32(high_quants);
    group.bias = static_cast<float>(-128 * (low_sum + high_sum));
    group.half_bias[0] = static_cast<float>(-128 * low_sum);
    group.half_bias[1] = static_cast<float>(-128 * high_sum);
  }
}

const PanelFormat* find_panel_format(DType type) {
  const PanelFormat* basic = find_basic_panel_format_avx512(type);
  return basic != nullptr ? basic : find_k_panel_format_avx512(type);
}

}  // namespace

const MatmulKernels kMatmulAvx512{Isa::kAvx512,       quantise, find_panel_format,
                                  QuantForm::kBiased, multiply, multiply_floats_avx512};

}  // namespace aloud
