// The inputs of matrix products: vectors of floats, and the coarser forms that weights of fewer bits are
// multiplied with.
#pragma once

#include <cstdint>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "tensor/dtype.h"

namespace aloud {

// The int8 form of kValues values that share a scale: x[k] ~ scale * quant[k], quant in [-127, 127], scale =
// max |x| / 127 (float32). A block that holds an infinity or a NaN has scale NaN; one that holds only zeros
// (or less than float32 can scale) has scale 0.
struct FineBlock {
  static constexpr int kValues = 32;
  std::int8_t quant[kValues];
  float scale;
  float bias[kValues / 32];               // -128 * the sum of 32 quants, exact
  std::int32_t whole_bias[kValues / 32];  // the same
};
struct alignas(64) CoarseBlock {
  static constexpr int kValues = 256;
  std::int8_t quant[kValues];
  // In one cache line: what products need that add up in integers.
  float scale;
  std::int16_t sum[kValues / 32];       // of 32 quants
  std::int16_t half_sum[kValues / 16];  // of 16
  float bias[kValues / 32];
  float half_bias[kValues / 16];  // of 16
};

// A set of forms that a vector is kept in.
enum class InputForms : unsigned {
  kNone = 0,
  kValues = 1,  // float32, for F32 and F16 weights
  kFine = 2,    // int8, a scale per 32 values: for weights whose blocks have 32
  kCoarse = 4,  // int8, a scale per 256 values: for weights whose blocks have 256
  kBfloat = 8,  // bfloat16, for BF16 weights
};
constexpr InputForms operator|(InputForms a, InputForms b) {
  return static_cast<InputForms>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool contains(InputForms set, InputForms form) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(form)) == static_cast<unsigned>(form);
}

// The form that weights of a type are multiplied with.
InputForms input_form(DType type);

// Vectors of `columns` values. Reusable: reset() and assign() keep the buffers.
class Activations {
 public:
  // Makes room for `count` vectors in the given forms; kFine wants columns in multiples of 32, kCoarse of
  // 256. Each vector is to be set before it is read.
  void reset(Isa isa, std::int64_t count, std::int64_t columns, InputForms forms);
  // Takes columns [first, first + n) of a vector from x; first is a multiple of 256, and so is n unless it
  // reaches the end. Threads may set different parts at the same time. Every vector is treated by itself: its
  // forms do not depend on the others, nor on the parts, nor on isa.
  void set(std::int64_t vector, const float* x, std::int64_t first, std::int64_t n);
  void set(std::int64_t vector, const float* x) { set(vector, x, 0, columns_); }
  // Both for vectors [0, count) that lie stride floats apart.
  void assign(Isa isa, const float* x, std::int64_t count, std::int64_t columns, std::int64_t stride,
              InputForms forms, ThreadPool& pool);

  std::int64_t count() const { return count_; }
  std::int64_t columns() const { return columns_; }
  InputForms forms() const { return forms_; }
  const float* values(std::int64_t vector) const { return values_.data() + vector * columns_; }
  const std::uint16_t* bfloats(std::int64_t vector) const { return bfloats_.data() + vector * columns_; }
  const FineBlock* fine(std::int64_t vector) const { return fine_.data() + vector * (columns_ / 32); }
  // A block of a vector. Those of all vectors lie side by side, so that many can be read fast: a vector's
  // next block is count() further on.
  const CoarseBlock* coarse(std::int64_t vector, std::int64_t block) const {
    return coarse_.data() + block * count_ + vector;
  }

 private:
  Isa isa_ = Isa::kScalar;
  std::int64_t count_ = 0;
  std::int64_t columns_ = 0;
  InputForms forms_ = InputForms::kNone;
  Buffer<float> values_;
  Buffer<std::uint16_t> bfloats_;
  Buffer<FineBlock> fine_;
  Buffer<CoarseBlock> coarse_;
};

}  // namespace aloud
