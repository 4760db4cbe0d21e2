// Tensor look-up with checks.
#include "models/tensor_loader.h"

#include "kernels/format.h"

namespace aloud {

WeightMatrix MatrixStack::operator[](std::int64_t i) const {
  WeightMatrix matrix = first;
  matrix.data += i * first.bytes();
  return matrix;
}

Result<const Tensor*> TensorLoader::find(const std::string& name, std::array<std::int64_t, 3> shape) const {
  const Tensor* tensor = file_->find(name);
  if (tensor == nullptr) return fail("tensor {} is missing", name);
  if (tensor->shape != std::array<std::int64_t, 4>{shape[0], shape[1], shape[2], 1}) {
    std::string expected = fmt::format("[{}", shape[0]);
    if (shape[1] != 1 || shape[2] != 1) expected += fmt::format(", {}", shape[1]);
    if (shape[2] != 1) expected += fmt::format(", {}", shape[2]);
    return fail("tensor {} has shape {}, expected {}]", name, shape_text(*tensor), expected);
  }
  return tensor;
}

WeightMatrix TensorLoader::first_matrix(const Tensor& tensor, WeightLayout wanted) const {
  const std::byte* panels = wanted == WeightLayout::kPanels ? panels_->find(tensor) : nullptr;
  const WeightLayout layout = panels != nullptr ? WeightLayout::kPanels : WeightLayout::kRows;
  const std::byte* data = panels != nullptr ? panels : tensor.bytes.data();
  return {tensor.type, tensor.shape[1], tensor.columns(), data, layout};
}

Result<WeightMatrix> TensorLoader::matrix(const std::string& name, std::int64_t rows, std::int64_t columns,
                                          WeightLayout wanted) const {
  TRY_ASSIGN(const Tensor* tensor, find(name, {columns, rows, 1}));
  return first_matrix(*tensor, wanted);
}

Result<MatrixStack> TensorLoader::stack(const std::string& name, std::int64_t count, std::int64_t rows,
                                        std::int64_t columns) const {
  TRY_ASSIGN(const Tensor* tensor, find(name, {columns, rows, count}));
  return MatrixStack{first_matrix(*tensor, WeightLayout::kPanels), count};
}

Result<std::vector<float>> TensorLoader::vector(const std::string& name, std::int64_t n) const {
  TRY_ASSIGN(const Tensor* tensor, find(name, {n, 1, 1}));
  std::vector<float> values(static_cast<std::size_t>(n));
  dequantize(tensor->type, tensor->bytes.data(), values);
  return values;
}

Result<std::vector<float>> TensorLoader::optional_vector(const std::string& name, std::int64_t n) const {
  if (!has(name)) return std::vector<float>();
  return vector(name, n);
}

}  // namespace aloud
