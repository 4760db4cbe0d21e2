// The machine probe for any processor.
#include "kernels/simd_scalar.h"

#include "kernels/probe_generic.h"

namespace aloud {
namespace {

std::int64_t multiply_int8(std::int64_t rounds) {
  constexpr int kLanes = 64;
  std::int32_t sum[kLanes] = {};
  std::int16_t a[kLanes], b[kLanes];
  for (int i = 0; i < kLanes; ++i)
    a[i] = static_cast<std::int16_t>(i - 32), b[i] = static_cast<std::int16_t>(3 * i % 64);
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (int i = 0; i < kLanes; ++i) sum[i] += a[i] * b[i];
    asm volatile("" : : "r"(sum), "r"(a), "r"(b) : "memory");
  }
  return rounds * kLanes;
}

}  // namespace

extern const ProbeLoops kProbeLoopsScalar;
const ProbeLoops kProbeLoopsScalar = {read_all, multiply_int8, nullptr, multiply_fp32};

}  // namespace aloud
