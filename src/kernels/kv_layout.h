// Where a sequence's keys and values lie: pages of tokens, addressed through a table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string_view>

#include "base/result.h"
#include "tensor/dtype.h"

namespace aloud {

// Tokens per page.
inline constexpr std::int64_t kPageTokens = 64;
// Pages that hold so many tokens.
constexpr std::int64_t pages_for(std::int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }
// Values of a head are padded to a multiple of this, so that every vector register divides them.
inline constexpr std::int64_t kValuePad = 16;
inline constexpr std::int64_t padded_width(std::int64_t width) {
  return (width + kValuePad - 1) / kValuePad * kValuePad;
}
// Values that share a scale in a page of type Q8_0.
inline constexpr std::int64_t kKvGroup = 32;
// What pages can be made of.
inline constexpr DType kKvTypes[] = {DType::kF16, DType::kBF16, DType::kQ8_0};

// One head of one layer in a page, and one token's place in it.
//   keys    [key_width][kPageTokens]: a dimension of all tokens side by side, as scores are computed
//   values  [kPageTokens][value_stride]: a token's value in one piece, as values are mixed
// Q8_0: int8 quants in that order, then float16 scales: [key_width / 32][kPageTokens] and
// [kPageTokens][value_width / 32].
struct KvSlot {
  DType type;
  std::byte* keys;
  std::byte* values;
  std::int64_t token;  // in the page
  std::int64_t key_width;
  std::int64_t value_width;  // 0: none are kept
  std::int64_t value_stride;
};

// What one token keeps: in each layer and head a key and a value. MLA keeps its compressed row as the key of
// its only head (kv_lora + rope values) and has value_width 0: the values are the first kv_lora of the key.
struct KvLayout {
  std::int64_t layers = 0;
  std::int64_t heads = 0;
  std::int64_t key_width = 0;    // of one head
  std::int64_t value_width = 0;  // of one head
  DType type = DType::kF16;      // one of kKvTypes

  // Errors: a type that pages cannot have, or a width that it does not divide, which is called by the name
  // that is given for it.
  Status check(std::string_view key_width_name, std::string_view value_width_name) const;

  std::int64_t value_stride() const { return padded_width(value_width); }
  std::int64_t key_bytes() const { return kPageTokens * token_bytes(key_width); }  // of a head in a page
  std::int64_t value_bytes() const { return kPageTokens * token_bytes(value_stride()); }  // alike
  std::int64_t layer_bytes() const { return heads * (key_bytes() + value_bytes()); }
  std::int64_t page_bytes() const { return layers * layer_bytes(); }
  std::int64_t bytes_per_token() const { return page_bytes() / kPageTokens; }
  // Offsets in a page, in bytes: the keys of a layer's heads, then their values.
  std::int64_t key_offset(std::int64_t layer, std::int64_t head) const {
    return layer * layer_bytes() + head * key_bytes();
  }
  std::int64_t value_offset(std::int64_t layer, std::int64_t head) const {
    return layer * layer_bytes() + heads * key_bytes() + head * value_bytes();
  }
  KvSlot slot(std::byte* page, std::int64_t layer, std::int64_t head, std::int64_t token) const {
    return {type,
            page + key_offset(layer, head),
            page + value_offset(layer, head),
            token,
            key_width,
            value_width,
            value_stride()};
  }

 private:
  std::int64_t token_bytes(std::int64_t width) const {
    return type == DType::kQ8_0 ? width + width / kKvGroup * 2 : width * 2;
  }
};

// The memory of a page: not cleared, aligned to a cache line.
struct KvPageDelete {
  void operator()(std::byte* page) const { ::operator delete[](page, std::align_val_t{64}); }
};
using KvPage = std::unique_ptr<std::byte[], KvPageDelete>;
inline KvPage make_kv_page(const KvLayout& layout) {
  return KvPage(new (std::align_val_t{64}) std::byte[static_cast<std::size_t>(layout.page_bytes())]);
}

// One sequence's cache as the model sees it. Borrows the pages. Token t lies in pages[t / kPageTokens].
struct KvView {
  std::span<std::byte* const> pages;
  std::int64_t length = 0;  // tokens that are there already
};

}  // namespace aloud
