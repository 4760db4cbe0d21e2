// The integer products of matmul_lanes_avx2.h without VNNI: sums of two in 16 bits, then of four in 32.
#pragma once

#include "kernels/matmul_lanes_avx2.h"

namespace aloud {
namespace {

constexpr QuantForm kSignedForm = QuantForm::kSigned;
constexpr int kQuantBias = 0;

// Most columns that matmul_direct.h takes at once.
constexpr int kDirectColumns = 4;

// Weights ready to be multiplied. vpmaddubsw takes one side unsigned and saturates its sums of two at 2^15,
// so weights that can be negative give their sign to x: |w| * x is at most 128 * 127 * 2.
template <QuantForm kForm>
struct Factors {
  Ints bytes;
  Ints magnitude;
};
template <QuantForm kForm>
ALOUD_INLINE Factors<kForm> prepare(Ints bytes) {
  return {bytes, kForm == QuantForm::kSigned ? _mm256_abs_epi8(bytes) : bytes};
}

// The products of a group's weights and x while they are added up: sums of two neighbours in 16 bits for as
// many steps (kChain) as those can hold, then sums of four in 32 bits.
struct Dot {
  Ints pairs;
  Ints sum;
};
// The pairs' largest magnitude after a step is largest * 127 * 2.
constexpr int chain_of(int largest) { return 32767 / (largest * 254); }
constexpr bool kHasChains = true;

// Keeps a sum in a register and in the order of the source: GCC would balance the additions into a tree, of
// which most parts wait in memory.
ALOUD_INLINE void keep(Ints& sum) { asm("" : "+x"(sum)); }

// No weights have a bias here: step 0 begins a sum.
ALOUD_INLINE void begin_sum(Dot&, std::int32_t) {}
// Step `step` (a constant) of a group; the sum is there after the last one.
template <QuantForm kForm, int kChain>
ALOUD_INLINE void add_products(Dot& dot, int step, const Factors<kForm>& weights, Ints x) {
  if (kForm == QuantForm::kSigned) x = _mm256_sign_epi8(x, weights.bytes);
  const Ints pairs = _mm256_maddubs_epi16(weights.magnitude, x);
  dot.pairs = step % kChain == 0 ? pairs : _mm256_add_epi16(dot.pairs, pairs);
  keep(dot.pairs);
  if (step % kChain != kChain - 1) return;
  const Ints fours = _mm256_madd_epi16(dot.pairs, _mm256_set1_epi16(1));
  dot.sum = step < kChain ? fours : _mm256_add_epi32(dot.sum, fours);
  keep(dot.sum);
}
template <QuantForm kForm, int kChain>
ALOUD_INLINE void add_products(Dot& dot, int step, const Factors<kForm>& weights, const std::int8_t* four) {
  add_products<kForm, kChain>(dot, step, weights, every_four(four));
}

}  // namespace
}  // namespace aloud
