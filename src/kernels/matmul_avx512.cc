// matmul with AVX-512 VNNI.
#include "kernels/matmul_products_avx512.h"
// The code that all instruction sets share builds on the lanes.
#include "kernels/matmul_panels.h"
// What it builds on comes first.
#include "kernels/matmul_floats.h"
#include "kernels/matmul_formats_256.h"
#include "kernels/matmul_formats_32.h"
#include "kernels/matmul_quantise.h"
#include "kernels/matmul_scales.h"
#include "kernels/matmul_tiles.h"
// Last, because it names all of them.
#include "kernels/matmul_amx_registers.h"
#include "kernels/matmul_direct.h"
// Build on both.
#include "kernels/matmul_amx.h"
#include "kernels/matmul_table.h"

namespace aloud {
namespace {

// In assembly, so that the file needs no flag for an instruction that not every AVX-512 processor has.
struct BfloatPairs : Bfloats {
  using Operand = Ints;

  ALOUD_INLINE static Operand weights(const std::byte* row, std::int64_t k, std::int64_t left) {
    return load_pairs(row + 2 * k, left);
  }
  ALOUD_INLINE static Operand input(const void* x, std::int64_t k, std::int64_t left) {
    return weights(static_cast<const std::byte*>(x), k, left);
  }
  ALOUD_INLINE static Floats add(Floats sum, Operand w, Operand x) {
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum) : "v"(w), "v"(x));
    return sum;
  }
};

std::int32_t largest_magnitude(const float* x, int n) {
  const __m512i magnitude = _mm512_set1_epi32(0x7FFFFFFF);
  __m512i largest = _mm512_setzero_si512();
  for (int k = 0; k < n; k += kLanes) {
    const __m512i bits = _mm512_castps_si512(_mm512_loadu_ps(x + k));
    largest = _mm512_max_epi32(largest, _mm512_and_si512(bits, magnitude));
  }
  return _mm512_reduce_max_epi32(largest);
}

QuantSums quantise_32(const float* x, float factor, std::int8_t* quants) {
  const __m512 factors = _mm512_set1_ps(factor);
  const __m512i low = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x), factors));
  const __m512i high = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(x + 16), factors));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(quants), _mm512_cvtepi32_epi8(low));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(quants + 16), _mm512_cvtepi32_epi8(high));
  return {_mm512_reduce_add_epi32(low), _mm512_reduce_add_epi32(high)};
}

}  // namespace

constinit const MatmulKernels kMatmulAvx512 = table_of_kernels<WidenedPairs>();

constinit const MatmulKernels kMatmulAvx512Bf16 = table_of_kernels<BfloatPairs>();

constinit const MatmulKernels kMatmulAvx512Amx = [] {
  MatmulKernels kernels = table_of_kernels<BfloatPairs>();
  kernels.find_panel_format = find_amx_format;
  kernels.tile_columns = kAmxColumns;
  kernels.multiply = multiply_with_amx;
  return kernels;
}();

}  // namespace aloud
