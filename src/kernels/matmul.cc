// Cuts products into work items and lets the instruction set's kernels multiply them.
#include "kernels/matmul.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "base/check.h"
#include "kernels/format.h"
#include "kernels/matmul_kernels.h"
#include "kernels/panels.h"
#include "kernels/streaming_store.h"

namespace aloud {
namespace {

// Columns of x that one item multiplies: the sums of a pass (132 KB) and their share of x (256 values of
// each, 115 KB) stay in L2.
constexpr std::int64_t kMaxItemColumns = 258;
constexpr std::int64_t kTileRows = kPanelsAtOnce * kPanelRows;
// Rows that take their turn with a block of x before the next one comes, from L3 or from memory where x is
// large.
constexpr std::int64_t kPassRows = 4 * kTileRows;
// What handing out an item costs is small beside streaming so many bytes of weights.
constexpr std::int64_t kMinItemCost = 16 << 10;
constexpr std::int64_t kMaxItemCost = 16 << 20;
constexpr std::int64_t kItemsPerThread = 4;
// So many bytes of results would not stay in the caches until somebody reads them.
constexpr std::int64_t kStreamedResults = 16 << 20;

constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

// Spreads one row's unpacked block over a tile, from column `first` on.
void place_block(const UnpackedBlock& block, int values, const Format& format, std::uint32_t flip, int row,
                 int first, WeightTile& tile) {
  for (int k = 0; k < values; k += 4) {
    std::uint32_t four;
    std::memcpy(&four, block.quant + k, sizeof four);
    four ^= flip;
    std::memcpy(tile.quant[(first + k) / 4][row], &four, sizeof four);
  }
  const int group = first / format.group;
  for (int g = 0; g < values / format.group; ++g) {
    tile.scale[group + g][row] = block.scale[g];
    if (format.has_offset) tile.offset[group + g][row] = block.offset[g] * kOffsetFactor;
  }
}

// How panels are multiplied fast; nullptr: the weights lie in rows.
const PanelFormat* find_fast_format(const MatmulKernels& kernels, const WeightMatrix& weights,
                                    std::int64_t columns) {
  if (weights.layout != WeightLayout::kPanels) return nullptr;
  return kernels.find_panel_format(weights.type, columns);
}

// Whether so few columns are multiplied straight from the packed bytes.
bool multiplies_directly(const MatmulKernels& kernels, const PanelFormat* format, std::int64_t columns) {
  return format != nullptr && format->multiply_direct != nullptr && columns <= kernels.direct_columns;
}

// The weights of a quantised job, tile by tile.
class TileSource {
 public:
  TileSource(const MatmulKernels& kernels, const WeightMatrix& weights, std::int64_t columns)
      : weights_(weights),
        block_values_(info(weights.type).block_values),
        block_bytes_(info(weights.type).block_bytes),
        in_panels_(weights.layout == WeightLayout::kPanels),
        fast_(find_fast_format(kernels, weights, columns)),
        direct_(multiplies_directly(kernels, fast_, columns)),
        general_(find_format(weights.type)) {
    CHECK(general_ != nullptr);
    if (in_panels_) {
      panel_bytes_ = panel_bytes(weights.type, weights.columns);
      blocks_.emplace(weights.type, weights.columns);
    }
    if (fast_ != nullptr) {
      format_ = fast_->tile;
    } else {
      const bool coarse = input_form(weights.type) == InputForms::kCoarse;
      format_ = {general_->group, general_->has_offset, kernels.general_form, 128,
                 coarse,          TileScales::kFloats};
    }
  }

  const TileFormat& format() const { return format_; }
  bool is_direct() const { return direct_; }

  // Takes columns [k, k + values) of the 16 rows from `row` on apart.
  void unpack(std::int64_t row, std::int64_t k, int values, WeightTile& tile) const {
    if (fast_ != nullptr) {
      return fast_->unpack(blocks_->find(panel(row), k / block_values_), values / block_values_, tile);
    }
    const std::uint32_t flip = format_.form == QuantForm::kBiased ? 0x80808080u : 0u;
    UnpackedBlock block;
    std::byte bytes[kMaxTileRowBytes];
    for (int i = 0; i < kPanelRows; ++i) {
      copy_blocks(row + i, k / block_values_, values / block_values_, bytes);
      for (int at = 0; at < values; at += block_values_) {
        general_->unpack(bytes + at / block_values_ * block_bytes_, block);
        place_block(block, block_values_, *general_, flip, i, at, tile);
      }
    }
  }

  // What unpack() will read for the panels of rows [row, end), two at most.
  ReadAhead read_ahead(std::int64_t row, std::int64_t end, std::int64_t k, int values) const {
    ReadAhead ahead{};
    if (fast_ == nullptr || row >= end) return ahead;
    ahead.bytes = values / block_values_ * kPanelRows * block_bytes_;
    const std::int64_t last = row + kPanelRows < end ? row + kPanelRows : row;
    ahead.from[0] = blocks_->find(panel(row), k / block_values_).words;
    ahead.from[1] = blocks_->find(panel(last), k / block_values_).words;
    return ahead;
  }

  // sums[column][16] = the 16 rows from `row` on times x. Only if is_direct().
  void multiply_direct(std::int64_t row, const void* const* x, std::int64_t stride, int count,
                       float* sums) const {
    std::memset(sums, 0, static_cast<std::size_t>(count) * kPanelRows * sizeof(float));
    fast_->multiply_direct(blocks_->find(panel(row), 0), weights_.columns / block_values_, x, stride, count,
                           sums);
  }

 private:
  // No type but the floats has more than 2 bytes per value.
  static constexpr int kMaxTileRowBytes = 2 * kTileValues;

  const std::byte* panel(std::int64_t row) const { return weights_.data + row / kPanelRows * panel_bytes_; }

  // Blocks [first, first + count) of a row; zeros past the end of the matrix.
  void copy_blocks(std::int64_t row, std::int64_t first, std::int64_t count, std::byte* to) const {
    if (row >= weights_.rows) {
      std::memset(to, 0, static_cast<std::size_t>(count * block_bytes_));
    } else if (in_panels_) {
      unpack_panel_blocks(weights_.type, static_cast<int>(row % kPanelRows), weights_.columns, panel(row),
                          first, count, to);
    } else {
      const std::byte* from = weights_.data + row * row_bytes(weights_.type, weights_.columns);
      std::memcpy(to, from + first * block_bytes_, static_cast<std::size_t>(count * block_bytes_));
    }
  }

  WeightMatrix weights_;
  int block_values_;
  int block_bytes_;
  bool in_panels_;
  std::int64_t panel_bytes_ = 0;
  std::optional<PanelBlocks> blocks_;  // in panels
  const PanelFormat* fast_;
  bool direct_;
  const Format* general_;
  TileFormat format_;
};

// How one job is cut: rows x columns of y per item, all rows of a block of columns before the next block.
struct JobPlan {
  const MatmulJob* job;
  bool streamed;  // its results go past the caches
  std::int64_t first_item;
  std::int64_t rows_per_item;
  std::int64_t columns_per_item;
  std::int64_t row_items;
};

std::int64_t vector_of(const MatmulJob& job, std::int64_t i) {
  return job.vectors != nullptr ? job.vectors[i] : i;
}

// Rows and columns of y that one item computes.
struct Item {
  std::int64_t row, rows;
  std::int64_t column, columns;
  bool streamed;
};

void run_float_item(const MatmulKernels& kernels, const MatmulJob& job, const Item& item) {
  const void* x[kMaxItemColumns];
  for (std::int64_t i = 0; i < item.columns; ++i) {
    const std::int64_t vector = vector_of(job, item.column + i);
    if (job.weights.type == DType::kBF16) {
      x[i] = job.x->bfloats(vector);
    } else {
      x[i] = job.x->values(vector);
    }
  }
  const std::int64_t row_size = row_bytes(job.weights.type, job.weights.columns);
  kernels.multiply_floats({job.weights.type, job.weights.data + item.row * row_size, item.rows,
                           job.weights.columns, x, item.columns,
                           job.y + item.column * job.y_stride + item.row, job.y_stride});
}

// The int8 forms of an item's vectors from value k on.
void find_inputs(const MatmulJob& job, const Item& item, bool coarse, std::int64_t k, const void** x) {
  for (std::int64_t i = 0; i < item.columns; ++i) {
    const std::int64_t vector = vector_of(job, item.column + i);
    if (coarse) {
      x[i] = job.x->coarse(vector, k / CoarseBlock::kValues);
    } else {
      x[i] = job.x->fine(vector) + k / FineBlock::kValues;
    }
  }
}

// y[i] = sums[i] for i < rows; kRows at most. Of a constant size mostly, which takes a few instructions
// instead of a call.
template <std::int64_t kRows>
void copy_sums(const float* sums, std::int64_t rows, float* y) {
  if (rows == kRows) {
    std::memcpy(y, sums, kRows * sizeof(float));
  } else {
    std::memcpy(y, sums, static_cast<std::size_t>(rows) * sizeof(float));
  }
}

// Few columns: each panel is read once, all of its columns in one go.
void run_direct_item(const TileSource& source, const MatmulJob& job, const Item& item) {
  const void* x[kMaxDirectColumns];
  find_inputs(job, item, source.format().coarse, 0, x);
  const std::int64_t stride = source.format().coarse ? job.x->count() : 1;
  alignas(64) float sums[kMaxDirectColumns * kPanelRows];
  for (std::int64_t row = item.row; row < item.row + item.rows; row += kPanelRows) {
    source.multiply_direct(row, x, stride, static_cast<int>(item.columns), sums);
    const std::int64_t rows = std::min<std::int64_t>(kPanelRows, item.row + item.rows - row);
    for (std::int64_t i = 0; i < item.columns; ++i) {
      copy_sums<kPanelRows>(sums + i * kPanelRows, rows, job.y + (item.column + i) * job.y_stride + row);
    }
  }
}

// Many columns: weights are taken apart once for all of them.
void run_tile_item(const MatmulKernels& kernels, const TileSource& source, const MatmulJob& job,
                   const Item& item) {
  const void* x[kMaxItemColumns];
  const std::int64_t x_step = source.format().coarse
                                  ? job.x->count() * std::int64_t{sizeof(CoarseBlock)}
                                  : kTileValues / FineBlock::kValues * std::int64_t{sizeof(FineBlock)};
  WeightTile tiles[kPanelsAtOnce];
  alignas(64) float sums[kPassRows * kMaxItemColumns];  // [tiles][column][row]
  const std::int64_t tile_sums = item.columns * kTileRows;
  const std::int64_t last_row = item.row + item.rows;
  // The rows that are taken apart after these: while these are multiplied there is time for them to come.
  const auto next_read = [&](std::int64_t row, std::int64_t k) {
    const std::int64_t pass = row - (row - item.row) % kPassRows,
                       next_pass = std::min(pass + kPassRows, last_row);
    row += kTileRows;
    if (row >= next_pass) {
      k += kTileValues;
      row = k < job.weights.columns ? pass : next_pass;
      if (k >= job.weights.columns) k = 0;
    }
    const int values = static_cast<int>(std::min<std::int64_t>(kTileValues, job.weights.columns - k));
    return source.read_ahead(row, last_row, k, values);
  };
  for (std::int64_t pass = item.row; pass < last_row; pass += kPassRows) {
    const std::int64_t pass_rows = std::min(kPassRows, last_row - pass);
    std::memset(sums, 0,
                static_cast<std::size_t>(ceil_divide(pass_rows, kTileRows) * tile_sums) * sizeof(float));
    find_inputs(job, item, source.format().coarse, 0, x);
    for (std::int64_t k = 0; k < job.weights.columns; k += kTileValues) {
      const int values = static_cast<int>(std::min<std::int64_t>(kTileValues, job.weights.columns - k));
      for (std::int64_t row = 0; row < pass_rows; row += kTileRows) {
        const int tile_count =
            static_cast<int>(ceil_divide(std::min(kTileRows, pass_rows - row), kPanelRows));
        for (int t = 0; t < tile_count; ++t) source.unpack(pass + row + t * kPanelRows, k, values, tiles[t]);
        kernels.multiply(source.format(), {tiles, tile_count, values, x, static_cast<int>(item.columns),
                                           sums + row / kTileRows * tile_sums, next_read(pass + row, k)});
      }
      for (std::int64_t i = 0; i < item.columns; ++i) x[i] = static_cast<const std::byte*>(x[i]) + x_step;
    }
    for (std::int64_t i = 0; i < item.columns; ++i) {
      for (std::int64_t row = 0; row < pass_rows; row += kTileRows) {
        const float* from = sums + row / kTileRows * tile_sums + i * kTileRows;
        const std::int64_t rows = std::min(kTileRows, pass_rows - row);
        float* to = job.y + (item.column + i) * job.y_stride + pass + row;
        if (item.streamed && rows == kTileRows) {
          stream(from, kTileRows, to);
        } else {
          copy_sums<kTileRows>(from, rows, to);
        }
      }
    }
  }
  if (item.streamed) finish_streaming();
}

void run_item(const MatmulKernels& kernels, const MatmulJob& job, const Item& item) {
  if (is_float(job.weights.type)) return run_float_item(kernels, job, item);
  const TileSource source(kernels, job.weights, item.columns);
  if (source.is_direct()) return run_direct_item(source, job, item);
  run_tile_item(kernels, source, job, item);
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
  CHECK(contains(job.x->forms(), input_form(job.weights.type)));
}

}  // namespace

const MatmulKernels& matmul_kernels(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) {
    if (multiplies_tiles()) return kMatmulAvx512Amx;
    return multiplies_bf16() ? kMatmulAvx512Bf16 : kMatmulAvx512;
  }
  if (isa == Isa::kAvxVnni) return kMatmulAvxVnni;
  if (isa == Isa::kAvx2) return kMatmulAvx2;
#endif
  CHECK(isa == Isa::kScalar);
  return kMatmulScalar;
}

void matmul(Isa isa, std::span<const MatmulJob> jobs, ThreadPool& pool) {
  const MatmulKernels& kernels = matmul_kernels(isa);
  std::int64_t total = 0, results = 0;
  for (const MatmulJob& job : jobs) {
    total += cost(job, job.weights.rows);
    results += job.count * job.weights.rows * std::int64_t{sizeof(float)};
  }
  const std::int64_t item_cost =
      std::clamp<std::int64_t>(total / (pool.size() * kItemsPerThread), kMinItemCost, kMaxItemCost);

  std::vector<JobPlan> plans;
  plans.reserve(jobs.size());
  std::int64_t items = 0;
  for (const MatmulJob& job : jobs) {
    if (job.count == 0 || job.weights.rows == 0) continue;
    check_job(job);
    const std::int64_t width = kernels.tile_columns;
    const std::int64_t blocks = ceil_divide(job.count, kMaxItemColumns / width * width);
    const std::int64_t columns = ceil_divide(ceil_divide(job.count, blocks), width) * width;
    const std::int64_t column_items = ceil_divide(job.count, columns);
    const std::int64_t widest = std::min(columns, job.count);
    const bool direct = multiplies_directly(kernels, find_fast_format(kernels, job.weights, widest), widest);
    const std::int64_t step = direct ? kPanelRows : kTileRows;
    const std::int64_t step_cost = std::max<std::int64_t>(1, cost(job, step) / column_items);
    const std::int64_t rows = step * std::max<std::int64_t>(1, item_cost / step_cost);
    const std::int64_t row_items = ceil_divide(job.weights.rows, rows);
    const bool streamed =
        results >= kStreamedResults && can_stream_to(job.y) && job.y_stride % kStreamedFloats == 0;
    plans.push_back({&job, streamed, items, rows, columns, row_items});
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
    run_item(kernels, job,
             {row, std::min(plan.rows_per_item, job.weights.rows - row), column,
              std::min(plan.columns_per_item, job.count - column), plan.streamed});
  });
}

}  // namespace aloud
