// Names shapes for people.
#include "tensor/tensor.h"

namespace aloud {

std::string shape_text(const Tensor& tensor) {
  std::string text = "[";
  for (int i = 0; i < tensor.dimensions; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(tensor.shape[static_cast<std::size_t>(i)]);
  }
  return text + "]";
}

}  // namespace aloud
