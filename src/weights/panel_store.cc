// Decides what is packed and packs it.
#include "weights/panel_store.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>

#include "base/check.h"
#include "kernels/panels.h"

namespace aloud {
namespace {

// Packed as one item of a parallel loop, and the most of a file that is packed between two calls of progress.
constexpr std::int64_t kItemBytes = 256 << 10;
constexpr std::int64_t kStepBytes = 64 << 20;

// An embedding is read row by row, unless it is the output matrix too.
bool is_multiplied(const GgufFile& file, std::string_view name) {
  return name != "token_embd.weight" || file.find("output.weight") == nullptr;
}

bool is_packed(const GgufFile& file, const Tensor& tensor) {
  return tensor.dimensions >= 2 && tensor.shape[3] == 1 && tensor.rows() > 0 && tensor.columns() > 0 &&
         find_panel_layout(tensor.type) != nullptr && is_multiplied(file, tensor.name);
}

// Panels [first, last) of an entry, counted through its matrices.
void pack_panels(const PanelPlan::Entry& entry, std::int64_t first, std::int64_t last, std::byte* panels) {
  const Tensor& tensor = *entry.tensor;
  const std::int64_t rows = tensor.shape[1], columns = tensor.columns();
  const std::int64_t row_size = row_bytes(tensor.type, columns);
  const std::int64_t panel_size = panel_bytes(tensor.type, columns);
  const std::int64_t per_matrix = entry.matrix_bytes / panel_size;
  for (std::int64_t panel = first; panel < last; ++panel) {
    const std::int64_t matrix = panel / per_matrix, row = panel % per_matrix * kPanelRows;
    const int count = static_cast<int>(std::min<std::int64_t>(kPanelRows, rows - row));
    pack_panel(tensor.type, count, columns, tensor.bytes.data() + (matrix * rows + row) * row_size,
               panels + entry.begin + panel * panel_size);
  }
}

}  // namespace

PanelPlan::PanelPlan(const GgufFile& file) {
  for (const Tensor& tensor : file.tensors()) {
    if (!is_packed(file, tensor)) continue;
    const std::int64_t size = panel_matrix_bytes(tensor.type, tensor.shape[1], tensor.columns());
    entries_.push_back({&tensor, bytes_, size});
    bytes_ += size * tensor.shape[2];
  }
}

const PanelPlan::Entry* PanelPlan::find(const Tensor& tensor) const {
  const auto before = [](const Entry& entry, const Tensor* other) {
    return std::less<const Tensor*>()(entry.tensor, other);
  };
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), &tensor, before);
  return at != entries_.end() && at->tensor == &tensor ? &*at : nullptr;
}

void PanelStore::Unmap::operator()(std::byte* memory) const {
  ::munmap(memory, static_cast<std::size_t>(bytes));
}

Result<PanelStore> PanelStore::pack(const GgufFile& file, ThreadPool& pool, const PackProgress& progress) {
  PanelStore store;
  store.plan_ = std::make_unique<PanelPlan>(file);
  const std::int64_t total = store.plan_->bytes();
  if (total == 0) return store;
  const auto size = static_cast<std::size_t>(total);
  void* memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return fail("no memory for {} bytes of weights: {}", total, std::strerror(errno));
  ::madvise(memory, size, MADV_HUGEPAGE);
  auto* panels = static_cast<std::byte*>(memory);
  store.memory_ = {panels, Unmap{total}};
  store.bytes_ = {panels, size};

  for (const PanelPlan::Entry& entry : store.plan_->entries()) {
    const std::int64_t panel_size = panel_bytes(entry.tensor->type, entry.tensor->columns());
    const std::int64_t count = entry.matrix_bytes / panel_size * entry.tensor->shape[2];
    const std::int64_t per_item = std::max<std::int64_t>(1, kItemBytes / panel_size);
    const std::int64_t per_step = std::max(per_item, kStepBytes / panel_size / per_item * per_item);
    for (std::int64_t begin = 0; begin < count; begin += per_step) {
      const std::int64_t end = std::min(begin + per_step, count);
      pool.run((end - begin + per_item - 1) / per_item, [&](std::int64_t item, int) {
        const std::int64_t first = begin + item * per_item, last = std::min(first + per_item, end);
        const std::size_t bytes = entry.tensor->bytes.size();
        const auto source = [&](std::int64_t panel) {  // about where its rows begin
          return std::min(bytes, static_cast<std::size_t>(panel * panel_size));
        };
        file.populate(*entry.tensor, source(first), source(last) - source(first));
        pack_panels(entry, first, last, panels);
      });
      if (progress) progress(entry.begin + end * panel_size, total);
    }
    file.release(*entry.tensor);
  }
  TRY(file.check());
  return store;
}

PanelStore PanelStore::from_mapping(const GgufFile& file, MappedFile mapping,
                                    std::span<const std::byte> panels) {
  PanelStore store;
  store.plan_ = std::make_unique<PanelPlan>(file);
  CHECK(std::ssize(panels) == store.plan_->bytes());
  store.mapping_ = std::move(mapping);
  store.bytes_ = panels;
  return store;
}

const std::byte* PanelStore::find(const Tensor& tensor) const {
  if (!plan_) return nullptr;
  const PanelPlan::Entry* entry = plan_->find(tensor);
  return entry == nullptr ? nullptr : bytes_.data() + entry->begin;
}

}  // namespace aloud
