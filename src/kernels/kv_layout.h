// Where a sequence's keys and values lie: pages of tokens, addressed through a table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace aloud {

// Tokens per page.
inline constexpr std::int64_t kPageTokens = 64;

// What one token keeps in one layer: key_width + value_width float16 values. MLA keeps its compressed row as
// the key (kv_lora + rope values) and has value_width 0: the values are the first kv_lora of the key.
struct KvLayout {
  std::int64_t layers = 0;
  std::int64_t key_width = 0;
  std::int64_t value_width = 0;

  std::int64_t bytes_per_token() const { return layers * (key_width + value_width) * 2; }
  std::int64_t page_bytes() const { return bytes_per_token() * kPageTokens; }
  // Offsets in a page, in float16 values: keys of a layer are [kPageTokens][key_width], then values alike.
  std::int64_t key_offset(std::int64_t layer) const {
    return layer * kPageTokens * (key_width + value_width);
  }
  std::int64_t value_offset(std::int64_t layer) const { return key_offset(layer) + kPageTokens * key_width; }
};

// One sequence's cache as the model sees it. Borrows the pages. Token t lies in pages[t / kPageTokens].
struct KvView {
  std::span<std::uint16_t* const> pages;  // float16 bits
  std::int64_t length = 0;                // tokens that are there already
};

}  // namespace aloud
