// Measures what the machine can do at most, so that speeds can be given as a share of it.
#pragma once

#include <string_view>

#include "base/thread_pool.h"
#include "kernels/isa.h"

namespace aloud {

// All threads together. 1 GB = 1e9 bytes; a multiply-add counts as 2 operations.
struct MachineLimits {
  double read_gb_per_s = 0;  // streaming over memory far larger than the caches
  double int8_gops = 0;      // products in registers, added in 32 bits
  double bf16_gops = 0;      // the same, added in fp32; 0: the instruction set has none
  double fp32_gops = 0;
};

// Each limit with its name, for those who go over all of them.
struct LimitField {
  std::string_view name;
  double MachineLimits::*value;
};
inline constexpr LimitField kLimitFields[] = {
    {"read_gb_per_s", &MachineLimits::read_gb_per_s},
    {"int8_gops", &MachineLimits::int8_gops},
    {"bf16_gops", &MachineLimits::bf16_gops},
    {"fp32_gops", &MachineLimits::fp32_gops},
};

// The best of a few rounds each; takes about a second and, while it runs, 512 MB of memory.
MachineLimits probe_machine(Isa isa, ThreadPool& pool);

// The higher value of each.
MachineLimits best_of(const MachineLimits& a, const MachineLimits& b);

}  // namespace aloud
