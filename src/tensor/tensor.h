// What a tensor is: a name, an element type, a shape and bytes that somebody else owns.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tensor/dtype.h"

namespace aloud {

// Shapes are in GGUF's order: shape[0] is the length of a row (contiguous), shape[1] the number of rows,
// shape[2] the number of such matrices (experts or heads). Unused dimensions are 1.
struct Tensor {
  std::string_view name;  // valid as long as the file that holds it
  DType type = DType::kF32;
  std::array<std::int64_t, 4> shape{1, 1, 1, 1};
  int dimensions = 1;
  std::span<const std::byte> bytes;  // row after row, no padding between

  std::int64_t columns() const { return shape[0]; }
  std::int64_t rows() const { return shape[1] * shape[2] * shape[3]; }
  std::int64_t values() const { return columns() * rows(); }
};

// "[256, 160]"
std::string shape_text(const Tensor& tensor);

}  // namespace aloud
