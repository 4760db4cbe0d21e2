// y = W x for weights of any type, many columns of x at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "tensor/tensor.h"

namespace aloud {

// A matrix of weights as it lies in the file: rows x columns, row after row. Borrows the bytes.
struct WeightMatrix {
  DType type = DType::kF32;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const std::byte* data = nullptr;
};

// Values of x that share a scale in their int8 form.
inline constexpr int kActivationGroup = 32;

// The inputs of matmul: vectors of `columns` floats, and their int8 form where quantised weights need it:
// x[v][k] ~ scale[v][k / 32] * quant[v][k], quant in [-127, 127], scale = max |x| / 127 of the group
// (float32). Reusable: assign() keeps its buffers.
class Activations {
 public:
  // Copies vectors [0, count) (stride floats apart) and, if quantise, makes their int8 form. columns must
  // then be a multiple of 32. Every vector is treated by itself: its form does not depend on the others.
  void assign(Isa isa, const float* x, std::int64_t count, std::int64_t columns, std::int64_t stride,
              bool quantise, ThreadPool& pool);

  std::int64_t count() const { return count_; }
  std::int64_t columns() const { return columns_; }
  bool quantised() const { return quantised_; }
  const float* values(std::int64_t vector) const { return values_.data() + vector * columns_; }
  const std::int8_t* quants(std::int64_t vector) const { return quants_.data() + vector * columns_; }
  const float* scales(std::int64_t vector) const {
    return scales_.data() + vector * (columns_ / kActivationGroup);
  }
  // Sum of the quants of each 16 values.
  const std::int32_t* sums(std::int64_t vector) const { return sums_.data() + vector * (columns_ / 16); }

 private:
  std::int64_t count_ = 0;
  std::int64_t columns_ = 0;
  bool quantised_ = false;
  std::vector<float> values_;
  std::vector<std::int8_t> quants_;
  std::vector<float> scales_;
  std::vector<std::int32_t> sums_;
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
// float32 with the values of x; all others as integers with its int8 form (x must be quantised), group by
// group in the order of k:
//   y = sum over groups g of  x_scale * (w_scale[g] * sum(w_quant * x_quant) + w_offset[g] * sum(x_quant)).
// A row's result does not depend on count, on the other jobs or on the number of threads (within one Isa).
void matmul(Isa isa, std::span<const MatmulJob> jobs, ThreadPool& pool);

// Element types that matmul takes from Activations' int8 form.
inline bool needs_quantised(DType type) { return !is_float(type); }

}  // namespace aloud
