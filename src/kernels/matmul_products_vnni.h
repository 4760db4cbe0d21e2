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
constexpr int chain_of(int) { return 1; }
constexpr bool kHasChains = false;

}  // namespace
}  // namespace aloud
