// Arithmetic on single vectors: normalisation, activation, rotation, conversion.
#pragma once

#include <cstdint>

#include "kernels/isa.h"
#include "kernels/kv_layout.h"

namespace aloud {

// One function per operation, for one instruction set. All pointers may be unaligned; n is in floats; where
// out is given it may be the same as an input, not overlap otherwise. Every result element depends on its own
// inputs only (rms_norm: on the whole vector, summed in a fixed order).
struct VectorKernels {
  // out[i] = x[i] * weight[i] / sqrt(mean(x^2) + epsilon); a null weight counts as ones.
  void (*rms_norm)(const float* x, const float* weight, float epsilon, std::int64_t n, float* out);
  // out[i] = gate[i] / (1 + exp(-gate[i])) * up[i]
  void (*swiglu)(const float* gate, const float* up, std::int64_t n, float* out);
  // x[i] += y[i]
  void (*add)(float* x, const float* y, std::int64_t n);
  // x[i] += scale * y[i]
  void (*add_scaled)(float* x, const float* y, float scale, std::int64_t n);
  // Rotates pairs (x[2i], x[2i+1]) by the angle whose cosine and sine are given, i < half.
  void (*rotate_interleaved)(float* x, const float* cosine, const float* sine, std::int64_t half);
  // Rotates pairs (x[i], x[i+half]).
  void (*rotate_half_split)(float* x, const float* cosine, const float* sine, std::int64_t half);
  // Writes a token's key [key_width] and, where values are kept, its value [value_width] into its page,
  // rounded to nearest even; value may be null otherwise.
  void (*store_kv)(const KvSlot& slot, const float* key, const float* value);
};

const VectorKernels& vector_kernels(Isa isa);

}  // namespace aloud
