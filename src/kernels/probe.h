// Measures what the machine can do at most, so that speeds can be given as a share of it.
#pragma once

#include "base/thread_pool.h"
#include "kernels/isa.h"

namespace aloud {

struct MachineLimits {
  double read_gb_per_s = 0;  // all threads streaming over memory far larger than the caches; 1 GB = 1e9 bytes
  double int8_gops = 0;      // all threads multiplying int8 in registers; a multiply-add counts as 2
};

// The best of a few rounds each; takes about a second and, while it runs, 512 MB of memory.
MachineLimits probe_machine(Isa isa, ThreadPool& pool);

}  // namespace aloud
