// What products with vpdpbusd have in common, whatever the width of the registers; builds on the lanes.
#pragma once

#include "kernels/matmul_kernels.h"

namespace aloud {
namespace {

// vpdpbusd wants the weights unsigned: quants that can be negative are stored + 128.
constexpr QuantForm kSignedForm = QuantForm::kBiased;
constexpr int kQuantBias = 128;

// Weights ready to be multiplied.
template <QuantForm kForm>
struct Factors {
  Ints bytes;
};
template <QuantForm kForm>
ALOUD_INLINE Factors<kForm> prepare(Ints bytes) {
  return {bytes};
}

// The products of a group's weights and x while they are added up.
struct Dot {
  Ints sum;
};
// Where a sum begins, before the steps.
ALOUD_INLINE void begin_sum(Dot& dot, std::int32_t value) { dot.sum = every_word(value); }
constexpr int chain_of(int) { return 1; }
constexpr bool kHasChains = false;

}  // namespace
}  // namespace aloud
