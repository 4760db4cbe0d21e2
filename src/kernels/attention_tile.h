// What attention.cc asks of one instruction set: a few query rows against one split of keys. Internal.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace aloud {

// Most query rows that are worked on together: converting keys and values is shared by all of them.
inline constexpr std::int64_t kTileRows = 64;

// Rows of one head of the layout and at most kSplitTokens of its keys. A row's state is value[value_width],
// padded to padded_value_width with whatever comes, then the maximum of its scores and the sum of their
// weights.
struct SplitTile {
  DType type;
  std::int64_t key_width;
  std::int64_t value_width;
  std::int64_t padded_value_width;
  bool values_in_keys;  // a token's value is the beginning of its key
  float scale;

  std::byte* const* pages;      // of the split
  std::int64_t key_offset;      // in a page, in bytes
  std::int64_t value_offset;    // alike
  std::int64_t rows;            // 1 to kTileRows
  const float* const* queries;  // [rows] of [key_width]
  const std::int64_t* seen;     // [rows], ascending: row r sees the first seen[r] >= 1 tokens of the split
  float* const* states;         // [rows], written
  float* scratch;               // split_scratch() floats, aligned to 64 bytes
};

// Floats of scratch that a tile needs: scores, and values that are taken out of keys.
inline constexpr std::int64_t split_scratch(std::int64_t padded_value_width, bool values_in_keys) {
  return (kTileRows + (values_in_keys ? padded_value_width : 0)) * 64;
}

struct AttentionKernels {
  void (*attend)(const SplitTile& tile);
  // into = the state of the keys of both; from's come later.
  void (*merge)(float* into, const float* from, std::int64_t padded_value_width);
  // out[value_width]: the value of a state over its sum.
  void (*finish)(const float* state, std::int64_t value_width, std::int64_t padded_value_width, float* out);
  // A page's keys of one head, turned: out[kPageTokens][padded], the first `width` of key_width numbers, then
  // zeros.
  void (*read_head)(DType type, const std::byte* keys, std::int64_t key_width, std::int64_t width,
                    std::int64_t padded, float* out);
};

extern const AttentionKernels kAttentionScalar;
extern const AttentionKernels kAttentionAvx2;
extern const AttentionKernels kAttentionAvx512;

}  // namespace aloud
