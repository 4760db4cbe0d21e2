// For tests that compare the forms of vectors.
#pragma once

#include <cstddef>
#include <cstring>

#include "kernels/activations.h"

namespace aloud {

// All that a block tells; what pads it may be anything.
inline bool same_bits(const CoarseBlock& a, const CoarseBlock& b) {
  return std::memcmp(&a, &b, offsetof(CoarseBlock, half_bias) + sizeof a.half_bias) == 0;
}

}  // namespace aloud
