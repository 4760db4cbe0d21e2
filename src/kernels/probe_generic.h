// The loops of the machine probe that every instruction set has, written once over Simd; include a Simd
// first.
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

std::int64_t multiply_fp32(std::int64_t rounds) {
  constexpr int kChains = 12;  // more than two a cycle times five cycles; with a and b they fit 16 registers
  const Simd a = Simd::set(0.5f), b = Simd::set(1);
  Simd sum[kChains];
  for (int s = 0; s < kChains; ++s) sum[s] = Simd::set(static_cast<float>(s));
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (Simd& s : sum) s = multiply_add(s, a, b);
  }
  for (int s = 1; s < kChains; ++s) sum[0] = sum[0] + sum[s];
  [[maybe_unused]] volatile float used = sum[0].sum();
  return rounds * kChains * Simd::kLanes;
}

}  // namespace
}  // namespace aloud
