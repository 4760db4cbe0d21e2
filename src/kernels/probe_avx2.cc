// The machine probe for AVX2: int8 products in pairs (vpmaddubsw), then widened (vpmaddwd).
#include "kernels/simd_avx2.h"

#include "kernels/probe_read.h"

namespace aloud {
namespace {

std::int64_t multiply(std::int64_t rounds) {
  constexpr int kChains = 8;
  __m256i sum[kChains];
  for (__m256i& s : sum) s = _mm256_setzero_si256();
  __m256i a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-5);
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::int64_t r = 0; r < rounds; ++r) {
    asm volatile("" : "+x"(a), "+x"(b));
    for (__m256i& s : sum) {
      s = _mm256_add_epi32(s, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), ones));
      asm volatile("" : "+x"(s));
    }
  }
  return rounds * kChains * 32;
}

}  // namespace

extern const ProbeLoops kProbeLoopsAvx2;
const ProbeLoops kProbeLoopsAvx2 = {read_all, multiply};

}  // namespace aloud
