// Rows of weight matrices as floats.
#include "kernels/weight_matrix.h"

#include <vector>

#include "base/check.h"
#include "kernels/format.h"
#include "kernels/panels.h"

namespace aloud {

std::int64_t WeightMatrix::bytes() const {
  if (layout == WeightLayout::kPanels) return panel_matrix_bytes(type, rows, columns);
  return rows * row_bytes(type, columns);
}

void dequantize_row(const WeightMatrix& matrix, std::int64_t row, std::span<float> out) {
  CHECK(row >= 0 && row < matrix.rows && std::ssize(out) == matrix.columns);
  const std::int64_t size = row_bytes(matrix.type, matrix.columns);
  if (matrix.layout == WeightLayout::kRows) return dequantize(matrix.type, matrix.data + row * size, out);
  std::vector<std::byte> blocks(static_cast<std::size_t>(size));
  const std::byte* panel = matrix.data + row / kPanelRows * panel_bytes(matrix.type, matrix.columns);
  unpack_panel_row(matrix.type, static_cast<int>(row % kPanelRows), matrix.columns, panel, blocks.data());
  dequantize(matrix.type, blocks.data(), out);
}

}  // namespace aloud
