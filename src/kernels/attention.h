// Attention of new tokens over their sequences' cached keys and values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/kv_layout.h"

namespace aloud {

// The heads of one layer. Query heads h = g * (heads / kv_heads) ... share the keys and values of kv head g.
// A token's row in the cache holds kv_heads keys of key_width, then (in the value part) kv_heads values of
// value_width. Where layout.value_width is 0 the value of a token is the first value_width numbers of its key
// (MLA, kv_heads = 1).
struct AttentionShape {
  KvLayout layout;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t key_width = 0;    // of one head
  std::int64_t value_width = 0;  // of one head
  float scale = 1;               // of the scores
};

// The new tokens of one sequence; token i stands at position first + i and sees positions up to its own,
// which are all in the cache already.
struct AttentionJob {
  std::span<std::uint16_t* const> pages;
  std::int64_t layer = 0;
  std::int64_t first = 0;
  std::int64_t tokens = 0;
  const float* queries = nullptr;  // [tokens][heads][key_width]
  float* out = nullptr;            // [tokens][heads][value_width]
};

// out = softmax(scale * q k^T) v, causal, all in float32 but the cache. Keys are taken page by page in order,
// so a token's result depends neither on the other jobs and tokens nor on the number of threads. scratch is
// grown as needed and may be reused.
void attend(Isa isa, const AttentionShape& shape, std::span<const AttentionJob> jobs, ThreadPool& pool,
            std::vector<float>& scratch);

}  // namespace aloud
