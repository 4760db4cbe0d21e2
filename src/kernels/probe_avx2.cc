// The machine probe for AVX2.
#include "kernels/simd_avx2.h"

#include "kernels/probe_generic.h"

namespace aloud {
namespace {

// Pairs of int8 products are added in 16 bits and widened only every eighth time: nothing that uses all
// products is faster without VNNI.
std::int64_t multiply_int8(std::int64_t rounds) {
  constexpr int kChains = 4, kDepth = 8;
  const __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-5), ones = _mm256_set1_epi16(1);
  __m256i sum[kChains];
  for (__m256i& s : sum) s = _mm256_setzero_si256();
  for (std::int64_t r = 0; r < rounds; ++r) {
    __m256i narrow[kChains];
    for (int depth = 0; depth < kDepth; ++depth) {
      for (__m256i& n : narrow) {
        __m256i pairs;  // by name, as the compiler would compute the same product only once
        asm volatile("vpmaddubsw %2, %1, %0" : "=x"(pairs) : "x"(a), "x"(b));
        n = depth == 0 ? pairs : _mm256_add_epi16(n, pairs);
      }
    }
    for (int c = 0; c < kChains; ++c) sum[c] = _mm256_add_epi32(sum[c], _mm256_madd_epi16(narrow[c], ones));
  }
  for (const __m256i& s : sum) asm volatile("" : : "x"(s));
  return rounds * kChains * kDepth * 32;
}

}  // namespace

extern const ProbeLoops kProbeLoopsAvx2;
const ProbeLoops kProbeLoopsAvx2 = {read_all, multiply_int8, nullptr, multiply_fp32};

}  // namespace aloud
