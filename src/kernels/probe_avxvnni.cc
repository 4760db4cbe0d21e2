// The machine probe for AVX-VNNI.
#include "kernels/simd_avx2.h"

#include "kernels/probe_generic.h"

namespace aloud {
namespace {

std::int64_t multiply_int8(std::int64_t rounds) {
  constexpr int kChains = 12;  // more than two a cycle times five cycles
  const __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-5);
  __m256i sum[kChains];
  for (__m256i& s : sum) s = _mm256_setzero_si256();
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (__m256i& s : sum) asm volatile("%{vex%} vpdpbusd %2, %1, %0" : "+x"(s) : "x"(a), "x"(b));
  }
  return rounds * kChains * 32;
}

}  // namespace

extern const ProbeLoops kProbeLoopsAvxVnni;
const ProbeLoops kProbeLoopsAvxVnni = {read_all, multiply_int8, nullptr, multiply_fp32};

}  // namespace aloud
