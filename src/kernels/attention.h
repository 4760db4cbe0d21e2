// Attention of new tokens over their sequences' cached keys and values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/kv_layout.h"

namespace aloud {

// Keys are summed up in splits of so many positions, counted from position 0, and the splits' results are
// merged in their order: what a token gets depends on nothing but its own keys.
inline constexpr std::int64_t kSplitTokens = 512;

// The heads of one layer. Query heads h = g * (heads / layout.heads) ... share the keys and values of head g
// of the layout. Where layout.value_width is 0 the value of a token is the first value_width numbers of its
// key.
struct AttentionShape {
  KvLayout layout;
  std::int64_t heads = 0;
  std::int64_t value_width = 0;  // of one head
  float scale = 1;               // of the scores

  std::int64_t group() const { return heads / layout.heads; }
  std::int64_t padded_value_width() const { return padded_width(value_width); }
  // Floats that hold what one query row has summed up so far: its value, maximum and sum, in whole cache
  // lines.
  std::int64_t state_width() const { return padded_value_width() + kValuePad; }
};

// The new tokens of one sequence; token i stands at position first + i and sees positions up to its own,
// which are all in the cache already.
struct AttentionJob {
  std::span<std::byte* const> pages;
  std::int64_t layer = 0;
  std::int64_t first = 0;
  std::int64_t tokens = 0;
  const float* queries = nullptr;  // [tokens][heads][key_width]
  float* out = nullptr;            // [tokens][heads][value_width]

  // A window of the keys at a time: pages begins at position `begin`, a multiple of kSplitTokens, and ends at
  // such a one or behind the last token. Windows follow each other from position 0 on, and state, a float
  // array [tokens][heads][state_width()] owned by the caller, carries what they gave. A token's out is
  // written with the window that holds its own position.
  std::int64_t begin = 0;
  float* state = nullptr;
};

// out = softmax(scale * q k^T) v, causal, all in float32 but the cache. The bits of a token's result depend
// neither on the other jobs and tokens, nor on windows, nor on the number of threads (within one Isa). Jobs
// of few tokens that have the same pages at their beginning read them together. scratch is grown as needed
// and may be reused.
void attend(Isa isa, const AttentionShape& shape, std::span<const AttentionJob> jobs, ThreadPool& pool,
            std::vector<float>& scratch);

// Bytes that scratch grows to for one job of up to so many tokens at the end of a context.
std::int64_t attention_scratch_bytes(const AttentionShape& shape, std::int64_t tokens, std::int64_t context,
                                     int threads);

// The keys of one head in a page as float32: out[kPageTokens][padded_width(key_width)], zeros behind each
// key. Tokens that were never written are anything.
void read_keys(Isa isa, const KvLayout& layout, const std::byte* page, std::int64_t layer, std::int64_t head,
               float* out);

}  // namespace aloud
