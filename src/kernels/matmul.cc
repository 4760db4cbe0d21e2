// Cuts products into work items, unpacks weights into panels and lets the instruction set's kernels multiply
// them.
#include "kernels/matmul.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "kernels/format.h"
#include "kernels/matmul_kernels.h"

namespace aloud {
namespace {

// Columns of x that one item multiplies: its sums (32 KB) and its share of x (256 columns of them) stay in
// L2. A multiple of 6, the width of the kernels' register tiles.
constexpr std::int64_t kMaxItemColumns = 258;
constexpr std::int64_t kColumnStep = 6;
constexpr std::int64_t kItemRows = kPanelsAtOnce * kPanelRows;
// What handing out an item costs is small beside streaming so many bytes of weights.
constexpr std::int64_t kMinItemCost = 16 << 10;
constexpr std::int64_t kMaxItemCost = 2 << 20;
constexpr std::int64_t kItemsPerThread = 4;

// How far ahead weights are asked for; not less than what is multiplied together.
constexpr std::int64_t kPanelsAhead = 2;
static_assert(kPanelsAhead >= kPanelsAtOnce);

constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

const MatmulKernels& kernels_for(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return kMatmulAvx512;
  if (isa == Isa::kAvx2) return kMatmulAvx2;
#endif
  CHECK(isa == Isa::kScalar);
  return kMatmulScalar;
}

// Spreads one row's unpacked block over a panel, from column `first` on.
void place_block(const UnpackedBlock& block, int values, const Format& format, std::uint32_t flip, int row,
                 int first, WeightPanel& panel) {
  for (int k = 0; k < values; k += 4) {
    std::uint32_t four;
    std::memcpy(&four, block.quant + k, sizeof four);
    four ^= flip;
    std::memcpy(panel.quant[(first + k) / 4][row], &four, sizeof four);
  }
  const int group = first / format.group;
  for (int g = 0; g < values / format.group; ++g) {
    panel.scale[group + g][row] = block.scale[g];
    if (format.has_offset) panel.offset[group + g][row] = block.offset[g] * kOffsetFactor;
  }
}

// The weights of a quantised job, panel by panel.
class PanelSource {
 public:
  PanelSource(const MatmulKernels& kernels, const WeightMatrix& weights)
      : weights_(weights),
        block_values_(info(weights.type).block_values),
        block_bytes_(info(weights.type).block_bytes),
        row_size_(row_bytes(weights.type, weights.columns)) {
    if (const PanelFormat* fast = kernels.find_panel_format(weights.type)) {
      format_ = *fast;
      return;
    }
    general_ = find_format(weights.type);
    CHECK(general_ != nullptr);
    format_ = {weights.type, general_->group, general_->has_offset, kernels.general_form, nullptr, nullptr};
  }

  const PanelFormat& format() const { return format_; }

  // Takes columns [k, k + values) of 16 rows apart.
  void unpack(std::int64_t row, std::int64_t k, int values, WeightPanel& panel) {
    const Blocks blocks = locate(row, k, values);
    if (format_.unpack != nullptr) return format_.unpack(blocks.first, blocks.stride, values, panel);
    const std::uint32_t flip = format_.form == QuantForm::kBiased ? 0x80808080u : 0u;
    UnpackedBlock block;
    for (int i = 0; i < kPanelRows; ++i) {
      const std::byte* bytes = blocks.first + i * blocks.stride;
      for (int at = 0; at < values; at += block_values_, bytes += block_bytes_) {
        general_->unpack(bytes, block);
        place_block(block, block_values_, *general_, flip, i, at, panel);
      }
    }
  }

  // Only if format().multiply_vector is there.
  void multiply_vector(std::int64_t row, std::int64_t k, int values, const ActivationGroup* x, float* sums) {
    const Blocks blocks = locate(row, k, values);
    format_.multiply_vector(blocks.first, blocks.stride, values, x, sums);
  }

  // Asks for the part of the 16 rows from `row` on that is as large as columns [k, k + values), in the order
  // of addresses: that sets off the processor's own prefetcher, which loses its way among 16 interleaved
  // rows. Into the second cache, because a panel may be larger than the first. Inlined, because GCC drops
  // calls that only prefetch.
  [[gnu::always_inline]] void prefetch(std::int64_t row, std::int64_t k, int values) const {
    if (row + kPanelRows > weights_.rows) return;
    const std::byte* panel = weights_.data + row * row_size_;
    const std::byte* end = panel + kPanelRows * offset(k + values);
    for (const std::byte* at = panel + kPanelRows * offset(k); at < end; at += 64)
      __builtin_prefetch(at, 0, 1);
  }

 private:
  struct Blocks {
    const std::byte* first;
    std::int64_t stride;
  };

  std::int64_t offset(std::int64_t k) const { return k / block_values_ * block_bytes_; }

  // Rows past the end of the matrix are zero bytes.
  Blocks locate(std::int64_t row, std::int64_t k, int values) {
    const std::byte* first = weights_.data + row * row_size_ + offset(k);
    const std::int64_t rows = weights_.rows - row;
    if (rows >= kPanelRows) return {first, row_size_};
    const std::int64_t size = offset(values);
    std::memset(padded_, 0, kPanelRows * size);
    for (std::int64_t i = 0; i < rows; ++i) std::memcpy(padded_ + i * size, first + i * row_size_, size);
    return {padded_, size};
  }

  WeightMatrix weights_;
  int block_values_;
  int block_bytes_;
  std::int64_t row_size_;
  PanelFormat format_;
  const Format* general_ = nullptr;
  // No type but the floats has more than 2 bytes per value.
  std::byte padded_[kPanelRows * kPanelValues * 2];
};

// How one job is cut: rows x columns of y per item, all rows of a block of columns before the next block.
struct JobPlan {
  const MatmulJob* job;
  std::int64_t first_item;
  std::int64_t rows_per_item;
  std::int64_t columns_per_item;
  std::int64_t row_items;
};

std::int64_t vector_of(const MatmulJob& job, std::int64_t i) {
  return job.vectors != nullptr ? job.vectors[i] : i;
}

// Rows and columns of y that one item computes. The worker is likely to go on with row `next_row`.
struct Item {
  std::int64_t row, rows, next_row;
  std::int64_t column, columns;
};

void run_float_item(const MatmulKernels& kernels, const MatmulJob& job, const Item& item) {
  const float* x[kMaxItemColumns];
  for (std::int64_t i = 0; i < item.columns; ++i) x[i] = job.x->values(vector_of(job, item.column + i));
  const std::int64_t row_size = row_bytes(job.weights.type, job.weights.columns);
  kernels.multiply_floats({job.weights.type, job.weights.data + item.row * row_size, item.rows,
                           job.weights.columns, x, item.columns,
                           job.y + item.column * job.y_stride + item.row, job.y_stride});
}

void run_vector_item(PanelSource& source, const MatmulJob& job, const Item& item) {
  const std::int64_t width = job.weights.columns;
  const ActivationGroup* x = job.x->groups(vector_of(job, item.column));
  float* y = job.y + item.column * job.y_stride;
  const std::int64_t last_row = item.row + item.rows;
  for (std::int64_t row = item.row; row < last_row; row += kPanelRows) {
    const std::int64_t ahead = row + kPanelsAhead * kPanelRows;
    const std::int64_t next_row = ahead < last_row ? ahead : item.next_row + (ahead - last_row);
    alignas(64) float sums[kPanelRows] = {};
    for (std::int64_t k = 0; k < width; k += kPanelValues) {
      const int values = static_cast<int>(std::min<std::int64_t>(kPanelValues, width - k));
      source.prefetch(next_row, k, values);
      source.multiply_vector(row, k, values, x + k / kActivationGroup, sums);
    }
    std::memcpy(y + row, sums, std::min<std::int64_t>(kPanelRows, last_row - row) * sizeof(float));
  }
}

void run_quantised_item(const MatmulKernels& kernels, const MatmulJob& job, const Item& item) {
  PanelSource source(kernels, job.weights);
  if (item.columns == 1 && source.format().multiply_vector != nullptr)
    return run_vector_item(source, job, item);
  const std::int64_t width = job.weights.columns;
  const std::int64_t last_row = item.row + item.rows;
  const ActivationGroup* x[kMaxItemColumns];
  WeightPanel panels[kPanelsAtOnce];
  alignas(64) float sums[kMaxItemColumns * kItemRows];
  for (std::int64_t row = item.row; row < last_row; row += kItemRows) {
    const std::int64_t rows = std::min(kItemRows, last_row - row);
    const std::int64_t ahead = row + kPanelsAhead * kPanelRows;
    const std::int64_t next_row = ahead < last_row ? ahead : item.next_row + (ahead - last_row);
    const int panel_count = static_cast<int>(ceil_divide(rows, kPanelRows));
    for (std::int64_t i = 0; i < item.columns; ++i) x[i] = job.x->groups(vector_of(job, item.column + i));
    std::memset(sums, 0, item.columns * kItemRows * sizeof(float));
    for (std::int64_t k = 0; k < width; k += kPanelValues) {
      const int values = static_cast<int>(std::min<std::int64_t>(kPanelValues, width - k));
      for (int p = 0; p < panel_count; ++p) {
        source.prefetch(next_row + p * kPanelRows, k, values);
        source.unpack(row + p * kPanelRows, k, values, panels[p]);
      }
      const int groups = values / kActivationGroup;
      kernels.multiply(source.format(),
                       {panels, panel_count, groups, x, static_cast<int>(item.columns), sums});
      for (std::int64_t i = 0; i < item.columns; ++i) x[i] += groups;
    }
    for (std::int64_t i = 0; i < item.columns; ++i) {
      std::memcpy(job.y + (item.column + i) * job.y_stride + row, sums + i * kItemRows, rows * sizeof(float));
    }
  }
}

// What a job costs, in bytes of weights to stream: from about five columns on, arithmetic takes longer than
// memory.
std::int64_t cost(const MatmulJob& job, std::int64_t rows) {
  return rows * row_bytes(job.weights.type, job.weights.columns) * std::max<std::int64_t>(1, job.count / 5);
}

void check_job(const MatmulJob& job) {
  CHECK(job.x != nullptr && job.y != nullptr && job.weights.data != nullptr);
  CHECK(job.x->columns() == job.weights.columns && job.weights.columns > 0);
  CHECK(job.vectors != nullptr || job.count <= job.x->count());
  CHECK(is_float(job.weights.type) || job.x->quantised());
}

}  // namespace

void matmul(Isa isa, std::span<const MatmulJob> jobs, ThreadPool& pool) {
  const MatmulKernels& kernels = kernels_for(isa);
  std::int64_t total = 0;
  for (const MatmulJob& job : jobs) total += cost(job, job.weights.rows);
  const std::int64_t item_cost =
      std::clamp<std::int64_t>(total / (pool.size() * kItemsPerThread), kMinItemCost, kMaxItemCost);

  std::vector<JobPlan> plans;
  plans.reserve(jobs.size());
  std::int64_t items = 0;
  for (const MatmulJob& job : jobs) {
    if (job.count == 0 || job.weights.rows == 0) continue;
    check_job(job);
    const std::int64_t blocks = ceil_divide(job.count, kMaxItemColumns);
    const std::int64_t columns = ceil_divide(ceil_divide(job.count, blocks), kColumnStep) * kColumnStep;
    const std::int64_t column_items = ceil_divide(job.count, columns);
    const std::int64_t step = job.count == 1 ? kPanelRows : kItemRows;
    const std::int64_t step_cost = std::max<std::int64_t>(1, cost(job, step) / column_items);
    const std::int64_t rows = step * std::max<std::int64_t>(1, item_cost / step_cost);
    const std::int64_t row_items = ceil_divide(job.weights.rows, rows);
    plans.push_back({&job, items, rows, columns, row_items});
    items += row_items * column_items;
  }
  pool.run(items, [&](std::int64_t item, int) {
    const JobPlan& plan =
        *(std::upper_bound(plans.begin(), plans.end(), item,
                           [](std::int64_t i, const JobPlan& p) { return i < p.first_item; }) -
          1);
    const MatmulJob& job = *plan.job;
    const std::int64_t local = item - plan.first_item;
    const std::int64_t row = local % plan.row_items * plan.rows_per_item;
    const std::int64_t column = local / plan.row_items * plan.columns_per_item;
    // The other workers take the next items.
    const Item here{row, std::min(plan.rows_per_item, job.weights.rows - row),
                    row + pool.size() * plan.rows_per_item, column,
                    std::min(plan.columns_per_item, job.count - column)};
    if (is_float(job.weights.type)) {
      run_float_item(kernels, job, here);
    } else {
      run_quantised_item(kernels, job, here);
    }
  });
}

void Activations::assign(Isa isa, const float* x, std::int64_t count, std::int64_t columns,
                         std::int64_t stride, bool quantise, ThreadPool& pool) {
  CHECK(count >= 0 && columns > 0);
  CHECK(!quantise || columns % kActivationGroup == 0);
  count_ = count;
  columns_ = columns;
  quantised_ = quantise;
  const std::int64_t row_groups = columns / kActivationGroup;
  if (count * columns > value_capacity_) {
    value_capacity_ = count * columns;
    values_ = std::make_unique_for_overwrite<float[]>(value_capacity_);
  }
  if (quantise && count * row_groups > group_capacity_) {
    group_capacity_ = count * row_groups;
    groups_ = std::make_unique_for_overwrite<ActivationGroup[]>(group_capacity_);
  }
  const MatmulKernels& kernels = kernels_for(isa);
  constexpr std::int64_t kItemValues = 16 << 10;
  const std::int64_t item_vectors = std::max<std::int64_t>(1, kItemValues / columns);
  pool.run(ceil_divide(count, item_vectors), [&](std::int64_t item, int) {
    const std::int64_t first = item * item_vectors;
    for (std::int64_t v = first; v < std::min(count, first + item_vectors); ++v) {
      std::memcpy(values_.get() + v * columns, x + v * stride, columns * sizeof(float));
      if (quantise) kernels.quantise(x + v * stride, row_groups, groups_.get() + v * row_groups);
    }
  });
}

}  // namespace aloud
