// Random weights of any type, for tests and benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/dtype.h"

namespace aloud {

// Fills whole blocks with weights of mean about 0 and a standard deviation of about `magnitude`: every bit of
// the quants and of the groups' own scales is random, the blocks' float scales are finite and vary a little.
// The same seed and size give the same bytes. About a gigabyte per second.
void random_blocks(DType type, std::uint64_t seed, std::span<std::byte> blocks, float magnitude);

}  // namespace aloud
