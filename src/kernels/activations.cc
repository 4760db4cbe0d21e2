// Takes vectors into the forms that products want, vector by vector on all threads.
#include "kernels/activations.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "kernels/matmul_kernels.h"

namespace aloud {

InputForms input_form(DType type) {
  if (type == DType::kBF16) return InputForms::kBfloat;
  if (is_float(type)) return InputForms::kValues;
  return info(type).block_values == CoarseBlock::kValues ? InputForms::kCoarse : InputForms::kFine;
}

void Activations::reset(Isa isa, std::int64_t count, std::int64_t columns, InputForms forms) {
  CHECK(count >= 0 && columns > 0);
  const bool fine = contains(forms, InputForms::kFine), coarse = contains(forms, InputForms::kCoarse);
  CHECK(!fine || columns % FineBlock::kValues == 0);
  CHECK(!coarse || columns % CoarseBlock::kValues == 0);
  isa_ = isa;
  count_ = count;
  columns_ = columns;
  forms_ = forms;
  if (contains(forms, InputForms::kValues)) values_.grow(count * columns);
  if (contains(forms, InputForms::kBfloat)) bfloats_.grow(count * columns);
  if (fine) fine_.grow(count * (columns / FineBlock::kValues));
  if (coarse) coarse_.grow(count * (columns / CoarseBlock::kValues));
}

void Activations::set(std::int64_t vector, const float* x, std::int64_t first, std::int64_t n) {
  CHECK(vector >= 0 && vector < count_ && first % CoarseBlock::kValues == 0 && first + n <= columns_);
  CHECK(n % CoarseBlock::kValues == 0 || first + n == columns_);
  const std::int64_t place = vector * columns_ + first;
  const MatmulKernels& kernels = matmul_kernels(isa_);
  if (contains(forms_, InputForms::kValues)) {
    std::memcpy(values_.data() + place, x, static_cast<std::size_t>(n) * sizeof(float));
  }
  if (contains(forms_, InputForms::kBfloat)) kernels.round_to_bfloats(x, n, bfloats_.data() + place);
  if (contains(forms_, InputForms::kFine)) {
    kernels.quantise_fine(x, n / FineBlock::kValues, fine_.data() + place / FineBlock::kValues);
  }
  if (contains(forms_, InputForms::kCoarse)) {
    for (std::int64_t k = 0; k < n; k += CoarseBlock::kValues) {
      kernels.quantise_coarse(x + k, 1,
                              coarse_.data() + (first + k) / CoarseBlock::kValues * count_ + vector);
    }
  }
}

void Activations::assign(Isa isa, const float* x, std::int64_t count, std::int64_t columns,
                         std::int64_t stride, InputForms forms, ThreadPool& pool) {
  reset(isa, count, columns, forms);
  constexpr std::int64_t kItemValues = 16 << 10;
  const std::int64_t item_vectors = std::max<std::int64_t>(1, kItemValues / columns);
  pool.run((count + item_vectors - 1) / item_vectors, [&](std::int64_t item, int) {
    const std::int64_t first = item * item_vectors, end = std::min(count, first + item_vectors);
    for (std::int64_t v = first; v < end; ++v) set(v, x + v * stride);
  });
}

}  // namespace aloud
