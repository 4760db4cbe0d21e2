// What matmul_quantise.h wants, with AVX2: for _avx2.cc and _avxvnni.cc files.
#pragma once

#include "kernels/matmul_lanes_avx2.h"
#include "kernels/matmul_quantise.h"

namespace aloud {
namespace {

std::int32_t largest_lane(__m256i value) {
  __m128i largest = _mm_max_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  largest = _mm_max_epi32(largest, _mm_shuffle_epi32(largest, 0x4E));
  return _mm_cvtsi128_si32(_mm_max_epi32(largest, _mm_shuffle_epi32(largest, 0xB1)));
}

std::int32_t sum_of_words(__m256i value) {
  __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(value), _mm256_extracti128_si256(value, 1));
  sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1)));
}

std::int32_t largest_magnitude(const float* x, int n) {
  const __m256i magnitude = _mm256_set1_epi32(0x7FFFFFFF);
  __m256i largest = _mm256_setzero_si256();
  for (int k = 0; k < n; k += kLanes) {
    const __m256i bits = _mm256_castps_si256(_mm256_loadu_ps(x + k));
    largest = _mm256_max_epi32(largest, _mm256_and_si256(bits, magnitude));
  }
  return largest_lane(largest);
}

QuantSums quantise_32(const float* x, float factor, std::int8_t* quants) {
  const __m256 factors = _mm256_set1_ps(factor);
  __m256i words[4];
  for (int i = 0; i < 4; ++i)
    words[i] = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i * kLanes), factors));
  const __m256i low = _mm256_packs_epi32(words[0], words[1]);
  const __m256i high = _mm256_packs_epi32(words[2], words[3]);
  // Packing works within 128 bits: put the fours back in order.
  const __m256i packed =
      _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(quants), packed);
  return {sum_of_words(_mm256_add_epi32(words[0], words[1])),
          sum_of_words(_mm256_add_epi32(words[2], words[3]))};
}

}  // namespace
}  // namespace aloud
