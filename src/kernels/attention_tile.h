// What attention.cc asks of one instruction set: a few query rows against all their keys.
#pragma once

#include <cstdint>

#include "kernels/attention.h"

namespace aloud {

// Rows of one kv head that are worked on together. Row r is token r / group, query head kv_head * group + r %
// group, with group = heads / kv_heads.
struct AttentionTile {
  std::int64_t kv_head = 0;
  std::int64_t first_row = 0;
  std::int64_t rows = 0;  // at most kAttentionRows
};

inline constexpr std::int64_t kAttentionRows = 16;
// Widths are padded to this many floats in scratch memory.
inline constexpr std::int64_t kAttentionPad = 16;

inline std::int64_t padded_width(std::int64_t width) {
  return (width + kAttentionPad - 1) / kAttentionPad * kAttentionPad;
}

// Floats of scratch that one tile needs.
inline std::int64_t attention_scratch(const AttentionShape& shape) {
  const std::int64_t key = padded_width(shape.key_width), value = padded_width(shape.value_width);
  return (kPageTokens + kAttentionRows) * (key + value) + kAttentionRows * (kPageTokens + 2);
}

using AttendTile = void (*)(const AttentionShape& shape, const AttentionJob& job, const AttentionTile& tile,
                            float* scratch);

}  // namespace aloud
