// Spreads the splits of short jobs, finds out which of them share pages, and cuts rows into tiles.
#include "kernels/attention_plan.h"

#include <algorithm>

#include "kernels/attention_tile.h"

namespace aloud {
namespace {

constexpr std::int64_t kSplitPages = kSplitTokens / kPageTokens;
// Smaller tiles would convert too much for too few rows.
constexpr std::int64_t kMinTileRows = 8;

class Planner {
 public:
  Planner(const AttentionShape& shape, std::span<const AttentionJob> jobs, int threads)
      : shape_(shape), jobs_(jobs), tile_rows_(tile_rows(threads)) {}

  AttentionPlan plan() {
    std::vector<std::int32_t> spread;
    for (std::size_t j = 0; j < jobs_.size(); ++j) {
      const AttentionJob& job = jobs_[j];
      const std::int64_t floats = job.tokens * shape_.heads * shape_.state_width();
      plan_.states.push_back(-1);
      if (job.tokens == 0) continue;
      const auto index = static_cast<std::int32_t>(j);
      if (job.state != nullptr || floats > kSpreadFloats) {
        add_items({&index, 1}, job.begin / kSplitTokens, split_count(job));
        continue;
      }
      plan_.states.back() = plan_.state_floats;
      plan_.state_floats += floats * split_count(job);
      spread.push_back(index);
    }
    // The longest rows come last in a job; handed out first, they do not make the others wait.
    std::reverse(plan_.items.begin(), plan_.items.end());
    add_spread(std::move(spread));
    return std::move(plan_);
  }

 private:
  // Smaller tiles when there is too little to keep every thread busy.
  std::int64_t tile_rows(int threads) const {
    std::int64_t rows = 0;
    for (const AttentionJob& job : jobs_) rows += job.tokens * shape_.heads * split_count(job);
    return std::clamp(rows / threads, kMinTileRows, kTileRows);
  }

  void add_items(std::span<const std::int32_t> members, std::int64_t split, std::int64_t splits) {
    const auto first_member = static_cast<std::int64_t>(plan_.members.size());
    plan_.members.insert(plan_.members.end(), members.begin(), members.end());
    std::int64_t rows = 0;
    for (const std::int32_t j : members) rows += jobs_[static_cast<std::size_t>(j)].tokens * shape_.group();
    const std::int64_t tiles = (rows + tile_rows_ - 1) / tile_rows_;
    for (std::int64_t head = 0; head < shape_.layout.heads; ++head) {
      for (std::int64_t tile = 0; tile < tiles; ++tile) {
        const std::int64_t first = rows * tile / tiles, end = rows * (tile + 1) / tiles;
        plan_.items.push_back({first_member, std::ssize(members), head, first, end - first, split, splits});
      }
    }
  }

  // The pages of a split that lies wholly before the job's tokens; none otherwise.
  std::span<std::byte* const> shared_pages(std::int32_t j, std::int64_t split) const {
    const AttentionJob& job = jobs_[static_cast<std::size_t>(j)];
    if ((split + 1) * kSplitTokens > job.first) return {};
    return job.pages.subspan(static_cast<std::size_t>(split * kSplitPages), kSplitPages);
  }

  void add_spread(std::vector<std::int32_t> jobs) {
    for (std::int64_t split = 0; !jobs.empty(); ++split) {
      std::erase_if(jobs,
                    [&](std::int32_t j) { return split >= split_count(jobs_[static_cast<std::size_t>(j)]); });
      const auto pages = [&](std::int32_t j) { return shared_pages(j, split); };
      std::ranges::stable_sort(jobs, std::ranges::lexicographical_compare, pages);
      for (std::size_t begin = 0, end; begin < jobs.size(); begin = end) {
        const std::span<std::byte* const> same = pages(jobs[begin]);
        end = begin + 1;
        while (end < jobs.size() && !same.empty() && std::ranges::equal(same, pages(jobs[end]))) ++end;
        add_items(std::span(jobs).subspan(begin, end - begin), split, 1);
      }
    }
  }

  const AttentionShape& shape_;
  std::span<const AttentionJob> jobs_;
  std::int64_t tile_rows_;
  AttentionPlan plan_;
};

}  // namespace

std::int64_t split_count(const AttentionJob& job) {
  const std::int64_t keys =
      std::min(job.first + job.tokens - job.begin, static_cast<std::int64_t>(job.pages.size()) * kPageTokens);
  return (keys + kSplitTokens - 1) / kSplitTokens;
}

AttentionPlan plan_attention(const AttentionShape& shape, std::span<const AttentionJob> jobs, int threads) {
  return Planner(shape, jobs, threads).plan();
}

}  // namespace aloud
