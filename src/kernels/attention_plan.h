// How attention is cut into items that threads work on independently. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/attention.h"

namespace aloud {

// A job is spread if its states of one split have at most so many floats: little beside the keys and values
// of all layers that the split has.
inline constexpr std::int64_t kSpreadFloats = 1 << 17;

// A job's rows of head g of the layout: row r is token r / group, query head g * group + r % group.
// An item works on up to kTileRows rows of its members, which are stacked in their order.
struct AttentionItem {
  std::int64_t first_member, members;  // in AttentionPlan::members
  std::int64_t head;                   // of the layout
  std::int64_t first_row, rows;        // of the stacked rows
  std::int64_t split, splits;          // the first, and how many
};

// Jobs of few tokens are spread: each split is an item of its own, shared by the jobs whose split lies in the
// same pages; the states of all splits are kept until the last of them is there. Other jobs have rows enough
// to share a page's conversion, and to keep every thread busy: an item goes through all their splits.
struct AttentionPlan {
  std::vector<std::int32_t> members;  // indices of jobs
  std::vector<AttentionItem> items;   // large ones first
  // By job: where the states of a spread job begin, in floats: [layout heads][rows][splits][state_width]; -1:
  // not spread.
  std::vector<std::int64_t> states;
  std::int64_t state_floats = 0;
};

// Splits that hold keys of positions [job.begin, job.first + job.tokens), as far as the job's pages go.
std::int64_t split_count(const AttentionJob& job);

AttentionPlan plan_attention(const AttentionShape& shape, std::span<const AttentionJob> jobs, int threads);

}  // namespace aloud
