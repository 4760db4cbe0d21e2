// The machine probe for AVX-512: VNNI, and BF16 where the processor has it.
#include "kernels/simd_avx512.h"

#include "kernels/probe_generic.h"

namespace aloud {
namespace {

constexpr int kChains = 16;

std::int64_t multiply_int8(std::int64_t rounds) {
  const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-5);
  __m512i sum[kChains];
  for (__m512i& s : sum) s = _mm512_setzero_si512();
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (__m512i& s : sum) asm volatile("vpdpbusd %2, %1, %0" : "+v"(s) : "v"(a), "v"(b));
  }
  return rounds * kChains * 64;
}

// In assembly, so that the file needs no flag for an instruction that not every AVX-512 processor has.
std::int64_t multiply_bf16(std::int64_t rounds) {
  const __m512i ones = _mm512_set1_epi16(0x3F80);  // bfloat16 1.0
  __m512i sum[kChains];
  for (__m512i& s : sum) s = _mm512_setzero_si512();
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (__m512i& s : sum) asm volatile("vdpbf16ps %1, %1, %0" : "+v"(s) : "v"(ones));
  }
  return rounds * kChains * 32;
}

}  // namespace

extern const ProbeLoops kProbeLoopsAvx512;
const ProbeLoops kProbeLoopsAvx512 = {read_all, multiply_int8, multiply_bf16, multiply_fp32};

}  // namespace aloud
