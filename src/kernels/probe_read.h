// The reading loop of the machine probe, written once over Simd; include a Simd first.
#pragma once

#include "kernels/probe_loops.h"

namespace aloud {
namespace {

float read_all(const float* data, std::int64_t n) {
  constexpr int kStreams = 8;
  Simd sum[kStreams];
  for (Simd& s : sum) s = Simd::set(0);
  for (std::int64_t i = 0; i < n; i += kStreams * Simd::kLanes) {
    for (int s = 0; s < kStreams; ++s) sum[s] = sum[s] + Simd::load(data + i + s * Simd::kLanes);
  }
  for (int s = 1; s < kStreams; ++s) sum[0] = sum[0] + sum[s];
  return sum[0].sum();
}

}  // namespace
}  // namespace aloud
