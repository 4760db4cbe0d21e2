// matmul with AVX-512 VNNI.
#include "kernels/matmul_lanes_avx512.h"
// The code that all instruction sets share builds on the lanes.
#include "kernels/matmul_floats.h"
#include "kernels/matmul_panels.h"
#include "kernels/matmul_tiles.h"

namespace aloud {
namespace {

void quantise(const float* x, std::int64_t count, ActivationGroup* groups) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  for (std::int64_t g = 0; g < count; ++g, x += kActivationGroup) {
    const __m512 low = _mm512_loadu_ps(x);
    const __m512 high = _mm512_loadu_ps(x + 16);
    // Magnitudes compared as bits: infinities and NaN come out on top.
    const std::int32_t largest_bits =
        _mm512_reduce_max_epi32(_mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(low), magnitude),
                                                 _mm512_and_si512(_mm512_castps_si512(high), magnitude)));
    ActivationGroup& group = groups[g];
    const float factor = set_scale(group, largest_bits);
    if (factor == 0) continue;
    const __m512 inverse = _mm512_set1_ps(factor);
    const __m512i low_quants = _mm512_cvtps_epi32(_mm512_mul_ps(low, inverse));
    const __m512i high_quants = _mm512_cvtps_epi32(_mm512_mul_ps(high, inverse));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(group.quant), _mm512_cvtepi32_epi8(low_quants));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(group.quant + 16), _mm512_cvtepi32_epi8(high_quants));
    set_biases(group, _mm512_reduce_add_epi32(low_quants), _mm512_reduce_add_epi32(high_quants));
  }
}

}  // namespace

const MatmulKernels kMatmulAvx512{Isa::kAvx512, quantise, find_panel_format,
                                  kSignedForm,  multiply, multiply_floats};

}  // namespace aloud
