// The inner loops of the machine probe, one set per instruction set.
#pragma once

#include <cstdint>

namespace aloud {

// Multiplies and adds in registers, rounds times over; returns the number of multiply-adds done.
using ProbeMultiply = std::int64_t (*)(std::int64_t rounds);

struct ProbeLoops {
  // Reads n floats (a multiple of 256) and returns something that depends on all of them.
  float (*read)(const float* data, std::int64_t n);
  ProbeMultiply int8;
  ProbeMultiply bf16;  // nullptr: there are no such products; else only for processors with AVX512-BF16
  ProbeMultiply fp32;
};

}  // namespace aloud
