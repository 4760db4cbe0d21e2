// Finds a model's tensors in its file and checks that each has the shape that the architecture asks for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/matmul.h"
#include "weights/gguf.h"
#include "weights/panel_store.h"

namespace aloud {

// A stack of matrices of one shape: the experts of a layer or its heads.
struct MatrixStack {
  WeightMatrix first;
  std::int64_t count = 0;
  WeightMatrix operator[](std::int64_t i) const;
};

// Borrows the file and its panels, where matrices are taken from as far as they are there. Errors name the
// tensor, what was found and what was expected.
class TensorLoader {
 public:
  TensorLoader(const GgufFile& file, const PanelStore& panels) : file_(&file), panels_(&panels) {}

  // y = W x with W [rows][columns]; in panels where there are any and they are wanted.
  Result<WeightMatrix> matrix(const std::string& name, std::int64_t rows, std::int64_t columns,
                              WeightLayout wanted = WeightLayout::kPanels) const;
  Result<MatrixStack> stack(const std::string& name, std::int64_t count, std::int64_t rows,
                            std::int64_t columns) const;
  // A vector of n values as float32. optional_vector is empty when the file has no such tensor.
  Result<std::vector<float>> vector(const std::string& name, std::int64_t n) const;
  Result<std::vector<float>> optional_vector(const std::string& name, std::int64_t n) const;
  const GgufFile& file() const { return *file_; }
  const PanelStore& panels() const { return *panels_; }
  bool has(const std::string& name) const { return file_->find(name) != nullptr; }

 private:
  Result<const Tensor*> find(const std::string& name, std::array<std::int64_t, 3> shape) const;
  // The first of a tensor's matrices.
  WeightMatrix first_matrix(const Tensor& tensor, WeightLayout wanted) const;

  const GgufFile* file_;
  const PanelStore* panels_;
};

}  // namespace aloud
