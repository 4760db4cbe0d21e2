// Which tokens may come next: one bit per id.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace aloud {

// Ids are [0, size()); at first none may come.
class TokenMask {
 public:
  TokenMask() = default;
  explicit TokenMask(std::int64_t size) : size_(size), words_(static_cast<std::size_t>((size + 63) / 64)) {}

  std::int64_t size() const { return size_; }
  void allow(TokenId token) { words_[static_cast<std::size_t>(token) / 64] |= bit(token); }
  void forbid(TokenId token) { words_[static_cast<std::size_t>(token) / 64] &= ~bit(token); }
  bool allows(TokenId token) const { return words_[static_cast<std::size_t>(token) / 64] & bit(token); }

  // Bit i of word w is id 64 w + i; bits past size() are zero.
  std::span<std::uint64_t> words() { return words_; }
  std::span<const std::uint64_t> words() const { return words_; }

 private:
  static std::uint64_t bit(TokenId token) { return std::uint64_t{1} << (token % 64); }

  std::int64_t size_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace aloud
