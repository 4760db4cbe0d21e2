// y = W x for weights of any type, many columns of x at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/weight_matrix.h"

namespace aloud {

// Values of x that share a scale in their int8 form.
inline constexpr int kActivationGroup = 32;

// The int8 form of 32 values: x[k] ~ scale * quant[k], quant in [-127, 127], scale = max |x| / 127 (float32).
// A group that holds an infinity or a NaN has scale NaN; one that holds only zeros (or less than float32 can
// scale) has scale 0.
struct ActivationGroup {
  std::int8_t quant[kActivationGroup];
  float scale;
  float bias;          // -128 * the sum of all quants, exact
  float half_bias[2];  // the same of the first and of the last 16 quants
};

// The inputs of matmul: vectors of `columns` floats, and their int8 form where quantised weights need it.
// Reusable: assign() keeps its buffers.
class Activations {
 public:
  // Copies vectors [0, count) (stride floats apart) and, if quantise, makes their int8 form. columns must
  // then be a multiple of 32. Every vector is treated by itself: its form does not depend on the others (nor
  // on isa).
  void assign(Isa isa, const float* x, std::int64_t count, std::int64_t columns, std::int64_t stride,
              bool quantise, ThreadPool& pool);

  std::int64_t count() const { return count_; }
  std::int64_t columns() const { return columns_; }
  bool quantised() const { return quantised_; }
  const float* values(std::int64_t vector) const { return values_.get() + vector * columns_; }
  const ActivationGroup* groups(std::int64_t vector) const {
    return groups_.get() + vector * (columns_ / kActivationGroup);
  }

 private:
  std::int64_t count_ = 0;
  std::int64_t columns_ = 0;
  bool quantised_ = false;
  std::int64_t value_capacity_ = 0;
  std::int64_t group_capacity_ = 0;
  std::unique_ptr<float[]> values_;
  std::unique_ptr<ActivationGroup[]> groups_;
};

// One product: y[i * y_stride + r] = sum over k of weights[r][k] * x[v(i)][k], where v(i) = vectors[i], or i
// when vectors is null, for i in [0, count).
struct MatmulJob {
  WeightMatrix weights;
  const Activations* x = nullptr;
  const std::int32_t* vectors = nullptr;
  std::int64_t count = 0;
  float* y = nullptr;
  std::int64_t y_stride = 0;
};

// Runs all jobs as one parallel loop. Jobs must not write the same memory. Float weights are multiplied in
// float32 with the values of x; all others as integers with its int8 form (x must be quantised), in the order
// of k:
//   y = sum over groups of 32 of  x_scale * (sum over the weights' groups g in it (one of 32 or two of 16) of
//                                            w_scale[g] * sum(w_quant * x_quant) + w_offset[g] *
//                                            sum(x_quant)).
// A row's result does not depend on count, on the other jobs or on the number of threads (within one Isa).
void matmul(Isa isa, std::span<const MatmulJob> jobs, ThreadPool& pool);

// Element types that matmul takes from Activations' int8 form.
inline bool needs_quantised(DType type) { return !is_float(type); }

}  // namespace aloud
