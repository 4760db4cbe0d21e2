// Hands the items of attention to the threads; whoever finishes the last split of a job's head merges them
// all.
#include "kernels/attention.h"

#include <algorithm>
#include <atomic>

#include "base/check.h"
#include "kernels/attention_plan.h"
#include "kernels/attention_tile.h"

namespace aloud {
namespace {

const AttentionKernels& attention_kernels(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return kAttentionAvx512;
    case Isa::kAvxVnni:
    case Isa::kAvx2:
      return kAttentionAvx2;
    case Isa::kScalar:
      break;
  }
  return kAttentionScalar;
}

constexpr std::int64_t kAlignment = 16;  // floats in a cache line

// What a thread needs: the scratch of a split, and its rows' sums and those of the next split.
std::int64_t worker_floats(const AttentionShape& shape) {
  return split_scratch(shape.padded_value_width(), shape.layout.value_width == 0) +
         2 * kTileRows * shape.state_width();
}

// One call of attend().
class Attention {
 public:
  Attention(Isa isa, const AttentionShape& shape, std::span<const AttentionJob> jobs, int threads,
            std::vector<float>& scratch)
      : kernels_(attention_kernels(isa)),
        shape_(shape),
        jobs_(jobs),
        width_(shape.state_width()),
        plan_(plan_attention(shape, jobs, threads)),
        left_(jobs.size() * static_cast<std::size_t>(shape.layout.heads)) {
    for (const AttentionItem& item : plan_.items) {
      for (const std::int32_t j : members(item)) ++left_[left_index(j, item.head)];
    }
    worker_floats_ = worker_floats(shape);
    const std::int64_t needed = plan_.state_floats + threads * worker_floats_ + kAlignment;
    if (std::ssize(scratch) < needed) scratch.resize(static_cast<std::size_t>(needed));
    void* memory = scratch.data();
    std::size_t room = scratch.size() * sizeof(float);
    states_ = static_cast<float*>(std::align(kAlignment * sizeof(float), sizeof(float), memory, room));
    workers_ = states_ + plan_.state_floats;
  }

  std::int64_t items() const { return std::ssize(plan_.items); }

  void run(std::int64_t index, int worker) {
    const AttentionItem& item = plan_.items[static_cast<std::size_t>(index)];
    Rows rows;
    find_rows(item, rows);
    float* const scratch = workers_ + worker * worker_floats_;
    const std::int32_t first = members(item)[0];
    if (plan_.states[static_cast<std::size_t>(first)] < 0) return run_whole(item, rows, scratch);
    attend(item, rows, item.split, scratch);
    for (const std::int32_t j : members(item)) {
      std::atomic_ref<std::int32_t> left(left_[left_index(j, item.head)]);
      if (left.fetch_sub(1, std::memory_order_acq_rel) == 1) merge(j, item.head);
    }
  }

 private:
  // What an item's rows are.
  struct Rows {
    const float* queries[kTileRows];
    std::int64_t positions[kTileRows];
    float* states[kTileRows];
    float* out[kTileRows];
  };

  bool values_in_keys() const { return shape_.layout.value_width == 0; }
  std::span<const std::int32_t> members(const AttentionItem& item) const {
    return std::span(plan_.members)
        .subspan(static_cast<std::size_t>(item.first_member), static_cast<std::size_t>(item.members));
  }
  std::size_t left_index(std::int32_t job, std::int64_t head) const {
    return static_cast<std::size_t>(job * shape_.layout.heads + head);
  }
  // The states of a spread job's row, split by split.
  float* states(std::int32_t j, std::int64_t head, std::int64_t row) const {
    const AttentionJob& job = jobs_[static_cast<std::size_t>(j)];
    const std::int64_t rows = job.tokens * shape_.group();
    return states_ + plan_.states[static_cast<std::size_t>(j)] +
           (head * rows + row) * split_count(job) * width_;
  }

  void find_rows(const AttentionItem& item, Rows& rows) const {
    std::int64_t skip = item.first_row, found = 0;
    for (const std::int32_t j : members(item)) {
      const AttentionJob& job = jobs_[static_cast<std::size_t>(j)];
      const std::int64_t job_rows = job.tokens * shape_.group();
      for (std::int64_t r = skip; r < job_rows && found < item.rows; ++r, ++found) {
        const std::int64_t token = r / shape_.group();
        const std::int64_t vector = token * shape_.heads + item.head * shape_.group() + r % shape_.group();
        rows.queries[found] = job.queries + vector * shape_.layout.key_width;
        rows.positions[found] = job.first + token;
        rows.out[found] = job.out + vector * shape_.value_width;
        rows.states[found] = plan_.states[static_cast<std::size_t>(j)] >= 0
                                 ? states(j, item.head, r) + item.split * width_
                                 : (job.state != nullptr ? job.state + vector * width_ : nullptr);
      }
      skip = std::max<std::int64_t>(0, skip - job_rows);
    }
  }

  // Sums up one split into the states of the rows that see something of it; returns the first of them.
  std::int64_t attend(const AttentionItem& item, const Rows& rows, std::int64_t split, float* scratch) const {
    const AttentionJob& job = jobs_[static_cast<std::size_t>(members(item)[0])];
    const KvLayout& layout = shape_.layout;
    std::int64_t first = 0;
    while (first < item.rows && rows.positions[first] < split * kSplitTokens) ++first;
    if (first == item.rows) return first;
    std::int64_t seen[kTileRows];
    for (std::int64_t r = first; r < item.rows; ++r)
      seen[r] = std::min(rows.positions[r] + 1 - split * kSplitTokens, kSplitTokens);
    kernels_.attend({layout.type, layout.key_width, shape_.value_width, shape_.padded_value_width(),
                     values_in_keys(), shape_.scale,
                     job.pages.data() + (split * kSplitTokens - job.begin) / kPageTokens,
                     layout.key_offset(job.layer, item.head), layout.value_offset(job.layer, item.head),
                     item.rows - first, rows.queries + first, seen + first, rows.states + first, scratch});
    return first;
  }

  // All splits of a job that is not spread.
  void run_whole(const AttentionItem& item, Rows& rows, float* scratch) const {
    float* const running = scratch + split_scratch(shape_.padded_value_width(), values_in_keys());
    float* const fresh = running + kTileRows * width_;
    float* sums[kTileRows];
    for (std::int64_t r = 0; r < item.rows; ++r)
      sums[r] = rows.states[r] != nullptr ? rows.states[r] : running + r * width_;
    const std::int64_t end = item.split + item.splits;
    for (std::int64_t split = item.split; split < end; ++split) {
      for (std::int64_t r = 0; r < item.rows; ++r) rows.states[r] = split == 0 ? sums[r] : fresh + r * width_;
      const std::int64_t first = attend(item, rows, split, scratch);
      if (split == 0) continue;
      for (std::int64_t r = first; r < item.rows; ++r)
        kernels_.merge(sums[r], rows.states[r], shape_.padded_value_width());
    }
    for (std::int64_t r = 0; r < item.rows; ++r) {
      const bool last =
          rows.positions[r] >= item.split * kSplitTokens && rows.positions[r] < end * kSplitTokens;
      if (last) finish(sums[r], rows.out[r]);
    }
  }

  // All rows of a spread job's head, their splits in order.
  void merge(std::int32_t j, std::int64_t head) const {
    const AttentionJob& job = jobs_[static_cast<std::size_t>(j)];
    for (std::int64_t r = 0; r < job.tokens * shape_.group(); ++r) {
      const std::int64_t token = r / shape_.group(), splits = (job.first + token) / kSplitTokens + 1;
      float* const sum = states(j, head, r);
      for (std::int64_t split = 1; split < splits; ++split)
        kernels_.merge(sum, sum + split * width_, shape_.padded_value_width());
      finish(sum, job.out + (token * shape_.heads + head * shape_.group() + r % shape_.group()) *
                                shape_.value_width);
    }
  }

  void finish(const float* state, float* out) const {
    kernels_.finish(state, shape_.value_width, shape_.padded_value_width(), out);
  }

  const AttentionKernels& kernels_;
  const AttentionShape& shape_;
  std::span<const AttentionJob> jobs_;
  std::int64_t width_;
  AttentionPlan plan_;
  std::vector<std::int32_t> left_;  // [jobs][layout heads]: items that are not done yet
  std::int64_t worker_floats_;
  float* states_;
  float* workers_;
};

}  // namespace

void attend(Isa isa, const AttentionShape& shape, std::span<const AttentionJob> jobs, ThreadPool& pool,
            std::vector<float>& scratch) {
  CHECK(shape.heads % shape.layout.heads == 0);
  Attention attention(isa, shape, jobs, pool.size(), scratch);
  pool.run(attention.items(), [&](std::int64_t item, int worker) { attention.run(item, worker); });
}

std::int64_t attention_scratch_bytes(const AttentionShape& shape, std::int64_t tokens, std::int64_t context,
                                     int threads) {
  const std::int64_t token = shape.heads * shape.state_width(), splits = context / kSplitTokens + 1;
  const std::int64_t spread = std::min(tokens, kSpreadFloats / token) * token * splits;
  return (spread + threads * worker_floats(shape) + kAlignment) * static_cast<std::int64_t>(sizeof(float));
}

void read_keys(Isa isa, const KvLayout& layout, const std::byte* page, std::int64_t layer, std::int64_t head,
               float* out) {
  attention_kernels(isa).read_head(layout.type, page + layout.key_offset(layer, head), layout.key_width,
                                   layout.key_width, padded_width(layout.key_width), out);
}

}  // namespace aloud
