// The inner loops of the machine probe, one set per instruction set.
#pragma once

#include <cstdint>

namespace aloud {

struct ProbeLoops {
  // Reads n floats (a multiple of 256) and returns something that depends on all of them.
  float (*read)(const float* data, std::int64_t n);
  // Multiplies and adds int8 values in registers; returns the number of multiply-adds done.
  std::int64_t (*multiply)(std::int64_t rounds);
};

}  // namespace aloud
