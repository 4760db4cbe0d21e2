// Finds a model's tensors in its file and checks that each has the shape that the architecture asks for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernels/matmul.h"
#include "weights/gguf.h"

namespace aloud {

// A stack of matrices of one shape: the experts of a layer or its heads.
struct MatrixStack {
  WeightMatrix first;
  std::int64_t count = 0;
  WeightMatrix operator[](std::int64_t i) const;
};

// Borrows the file. Errors name the tensor, what was found and what was expected.
class TensorLoader {
 public:
  explicit TensorLoader(const GgufFile& file) : file_(&file) {}

  // y = W x with W [rows][columns].
  Result<WeightMatrix> matrix(const std::string& name, std::int64_t rows, std::int64_t columns) const;
  Result<MatrixStack> stack(const std::string& name, std::int64_t count, std::int64_t rows,
                            std::int64_t columns) const;
  // A vector of n values as float32. optional_vector is empty when the file has no such tensor.
  Result<std::vector<float>> vector(const std::string& name, std::int64_t n) const;
  Result<std::vector<float>> optional_vector(const std::string& name, std::int64_t n) const;
  bool has(const std::string& name) const { return file_->find(name) != nullptr; }

 private:
  Result<const Tensor*> find(const std::string& name, std::array<std::int64_t, 3> shape) const;
  const GgufFile* file_;
};

}  // namespace aloud
