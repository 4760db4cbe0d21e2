// matmul with AVX-512 VNNI.
#include "kernels/matmul_lanes_avx512.h"
// The code that all instruction sets share builds on the lanes.
#include "kernels/matmul_panels.h"
// What it builds on comes first.
#include "kernels/matmul_floats.h"
#include "kernels/matmul_formats_256.h"
#include "kernels/matmul_formats_32.h"
#include "kernels/matmul_tiles.h"
// Last, because it names all of them.
#include "kernels/matmul_direct.h"

namespace aloud {
namespace {

template <class Block>
void quantise(const float* x, std::int64_t count, Block* blocks) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  for (std::int64_t b = 0; b < count; ++b) {
    // Magnitudes compared as bits: infinities and NaN come out on top.
    __m512i largest_bits = _mm512_setzero_si512();
    for (int k = 0; k < Block::kValues; k += kLanes) {
      const __m512i bits = _mm512_castps_si512(_mm512_loadu_ps(x + k));
      largest_bits = _mm512_max_epi32(largest_bits, _mm512_and_si512(bits, magnitude));
    }
    Block& block = blocks[b];
    const float factor = set_scale(block, _mm512_reduce_max_epi32(largest_bits));
    const __m512 inverse = _mm512_set1_ps(factor);
    for (int g = 0; g < Block::kValues / 32; ++g, x += 32) {
      if (factor == 0) continue;
      const __m512i low = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), inverse));
      const __m512i high = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 16), inverse));
      std::int8_t* quant = block.quant + 32 * g;
      _mm_storeu_si128(reinterpret_cast<__m128i*>(quant), _mm512_cvtepi32_epi8(low));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(quant + 16), _mm512_cvtepi32_epi8(high));
      set_biases(block, g, _mm512_reduce_add_epi32(low), _mm512_reduce_add_epi32(high));
    }
  }
}

}  // namespace

const MatmulKernels kMatmulAvx512{
    Isa::kAvx512, quantise<FineBlock>, quantise<CoarseBlock>, find_panel_format, kDirectColumns, kSignedForm,
    multiply,     multiply_floats,
};

}  // namespace aloud
