// The vector kernels, written once over Simd; each instruction set's file includes its Simd first, then this.
#pragma once

#include "kernels/kv_store.h"
#include "kernels/simd_exp.h"
#include "kernels/vector.h"

namespace aloud {
namespace {

void rms_norm(const float* x, const float* weight, float epsilon, std::int64_t n, float* out) {
  constexpr int L = Simd::kLanes;
  Simd squares = Simd::set(0);
  std::int64_t i = 0;
  for (; i + L <= n; i += L) {
    const Simd value = Simd::load(x + i);
    squares = multiply_add(value, value, squares);
  }
  float sum = squares.sum();
  for (; i < n; ++i) sum += x[i] * x[i];
  const float factor = 1.0f / __builtin_sqrtf(sum / static_cast<float>(n) + epsilon);
  const Simd factors = Simd::set(factor);
  for (i = 0; i + L <= n; i += L) {
    const Simd scaled = Simd::load(x + i) * factors;
    (weight != nullptr ? scaled * Simd::load(weight + i) : scaled).store(out + i);
  }
  for (; i < n; ++i) out[i] = x[i] * factor * (weight != nullptr ? weight[i] : 1.0f);
}

Simd swiglu(Simd gate, Simd up) {
  const Simd one = Simd::set(1);
  return gate / (one + exponential(Simd::set(0) - gate)) * up;
}

void swiglu(const float* gate, const float* up, std::int64_t n, float* out) {
  constexpr int L = Simd::kLanes;
  std::int64_t i = 0;
  for (; i + L <= n; i += L) swiglu(Simd::load(gate + i), Simd::load(up + i)).store(out + i);
  if (i == n) return;
  // The tail goes through the same arithmetic, padded.
  float g[L] = {}, u[L] = {}, o[L];
  for (std::int64_t j = i; j < n; ++j) g[j - i] = gate[j], u[j - i] = up[j];
  swiglu(Simd::load(g), Simd::load(u)).store(o);
  for (std::int64_t j = i; j < n; ++j) out[j] = o[j - i];
}

void add(float* x, const float* y, std::int64_t n) {
  constexpr int L = Simd::kLanes;
  std::int64_t i = 0;
  for (; i + L <= n; i += L) (Simd::load(x + i) + Simd::load(y + i)).store(x + i);
  for (; i < n; ++i) x[i] += y[i];
}

void add_scaled(float* x, const float* y, float scale, std::int64_t n) {
  constexpr int L = Simd::kLanes;
  const Simd factor = Simd::set(scale);
  std::int64_t i = 0;
  for (; i + L <= n; i += L) multiply_add(factor, Simd::load(y + i), Simd::load(x + i)).store(x + i);
  for (; i < n; ++i) x[i] += scale * y[i];
}

void rotate_interleaved(float* x, const float* cosine, const float* sine, std::int64_t half) {
  for (std::int64_t i = 0; i < half; ++i) {
    const float a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = a * cosine[i] - b * sine[i];
    x[2 * i + 1] = a * sine[i] + b * cosine[i];
  }
}

void rotate_half_split(float* x, const float* cosine, const float* sine, std::int64_t half) {
  for (std::int64_t i = 0; i < half; ++i) {
    const float a = x[i], b = x[i + half];
    x[i] = a * cosine[i] - b * sine[i];
    x[i + half] = a * sine[i] + b * cosine[i];
  }
}

constexpr VectorKernels kVectorKernels = {
    rms_norm, swiglu, add, add_scaled, rotate_interleaved, rotate_half_split, store_kv,
};

}  // namespace
}  // namespace aloud
