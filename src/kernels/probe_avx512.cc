// The machine probe for AVX-512 VNNI.
#include "kernels/simd_avx512.h"

#include "kernels/probe_read.h"

namespace aloud {
namespace {

std::int64_t multiply(std::int64_t rounds) {
  constexpr int kChains = 16;
  __m512i sum[kChains];
  for (__m512i& s : sum) s = _mm512_setzero_si512();
  const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-5);
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (__m512i& s : sum) asm volatile("vpdpbusd %2, %1, %0" : "+v"(s) : "v"(a), "v"(b));
  }
  return rounds * kChains * 64;
}

}  // namespace

extern const ProbeLoops kProbeLoopsAvx512;
const ProbeLoops kProbeLoopsAvx512 = {read_all, multiply};

}  // namespace aloud
