// A matrix of weights of any type, as it lies in the file or in panels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/dtype.h"

namespace aloud {

enum class WeightLayout : std::uint8_t {
  kRows,    // as in the file: row after row
  kPanels,  // as in panels.h; data is aligned to kPanelAlignment
};

// rows x columns. Borrows the bytes.
struct WeightMatrix {
  DType type = DType::kF32;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  const std::byte* data = nullptr;
  WeightLayout layout = WeightLayout::kRows;

  std::int64_t bytes() const;  // that data covers
};

// One row as float32: out.size() == columns. Any type and layout, exact.
void dequantize_row(const WeightMatrix& matrix, std::int64_t row, std::span<float> out);

}  // namespace aloud
