// Takes vectors into the forms that products want, vector by vector on all threads.
#include "kernels/activations.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "kernels/matmul_kernels.h"

namespace aloud {

InputForms input_form(DType type) {
  if (is_float(type)) return InputForms::kValues;
  return info(type).block_values == CoarseBlock::kValues ? InputForms::kCoarse : InputForms::kFine;
}

void Activations::assign(Isa isa, const float* x, std::int64_t count, std::int64_t columns,
                         std::int64_t stride, InputForms forms, ThreadPool& pool) {
  CHECK(count >= 0 && columns > 0);
  const bool values = contains(forms, InputForms::kValues);
  const bool fine = contains(forms, InputForms::kFine), coarse = contains(forms, InputForms::kCoarse);
  const std::int64_t fine_blocks = columns / FineBlock::kValues;
  const std::int64_t coarse_blocks = columns / CoarseBlock::kValues;
  CHECK(!fine || columns % FineBlock::kValues == 0);
  CHECK(!coarse || columns % CoarseBlock::kValues == 0);
  count_ = count;
  columns_ = columns;
  forms_ = forms;
  if (values) values_.reserve(count * columns);
  if (fine) fine_.reserve(count * fine_blocks);
  if (coarse) coarse_.reserve(count * coarse_blocks);
  const MatmulKernels& kernels = matmul_kernels(isa);
  constexpr std::int64_t kItemValues = 16 << 10;
  const std::int64_t item_vectors = std::max<std::int64_t>(1, kItemValues / columns);
  pool.run((count + item_vectors - 1) / item_vectors, [&](std::int64_t item, int) {
    const std::int64_t first = item * item_vectors, end = std::min(count, first + item_vectors);
    for (std::int64_t v = first; v < end; ++v) {
      const float* from = x + v * stride;
      if (values) std::memcpy(values_.data() + v * columns, from, columns * sizeof(float));
      if (fine) kernels.quantise_fine(from, fine_blocks, fine_.data() + v * fine_blocks);
      if (coarse) kernels.quantise_coarse(from, coarse_blocks, coarse_.data() + v * coarse_blocks);
    }
  });
}

}  // namespace aloud
