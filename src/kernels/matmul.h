// y = W x for weights of any type, many columns of x at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/thread_pool.h"
#include "kernels/activations.h"
#include "kernels/isa.h"
#include "kernels/weight_matrix.h"

namespace aloud {

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

// Runs all jobs as one parallel loop. Jobs must not write the same memory; x must have the weights'
// input_form(). Float weights are multiplied with the values of x, BF16 weights with those rounded to
// bfloat16 (as the models that are published in it compute), and added in float32; all others are multiplied
// as integers with the int8 form, in the order of k:
//   y = sum over blocks of x of  x_scale * (sum over the weights' groups g in it (of 16 or 32 values) of
//                                           w_scale[g] * sum(w_quant * x_quant) + w_offset[g] *
//                                           sum(x_quant)).
// A row's result does not depend on count, on the other jobs or on the number of threads (within one Isa).
// Weights in panels are fast; quantised ones in rows are taken apart by plain code, which pays off only where
// the type has no panels.
void matmul(Isa isa, std::span<const MatmulJob> jobs, ThreadPool& pool);

}  // namespace aloud
