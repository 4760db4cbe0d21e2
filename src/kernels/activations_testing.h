// For tests that compare the forms of vectors.
#pragma once

#include <cstring>

#include "kernels/activations.h"

namespace aloud {

// All that a block tells; what pads it may be anything.
inline bool same_bits(const CoarseBlock& a, const CoarseBlock& b) {
  using Base = ActivationBlock<CoarseBlock::kValues>;
  return std::memcmp(static_cast<const Base*>(&a), static_cast<const Base*>(&b), sizeof(Base)) == 0 &&
         std::memcmp(a.sum, b.sum, sizeof a.sum) == 0 &&
         std::memcmp(a.half_sum, b.half_sum, sizeof a.half_sum) == 0;
}

}  // namespace aloud
