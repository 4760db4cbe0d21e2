// Byte-pair encoding: merges the two neighbours whose merge comes first in the list, leftmost first, until
// none is left.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace aloud {

// Immutable once all merges are added; any thread may encode.
class Bpe {
 public:
  struct Merge {
    TokenId left;
    TokenId right;
    TokenId result;
  };
  // bytes: the token of each byte, or kNoToken. merges: best first; of the same pair the first counts.
  Bpe(const std::array<TokenId, 256>& bytes, std::vector<Merge> merges);

  // Working memory that one thread may use again and again.
  class Scratch {
    friend class Bpe;
    struct Symbol {
      TokenId id;
      std::uint32_t
          rank;  // of the merge with the next symbol, kNever when there is none or the symbol is gone
      std::uint32_t previous;
      std::uint32_t next;
    };
    struct Waiting {
      std::uint32_t at;
      std::uint32_t next;
    };
    std::vector<TokenId> ids_;
    std::vector<Symbol> symbols_;
    std::vector<std::uint32_t> first_waiting_;  // per rank, an index into waiting_
    std::vector<std::uint32_t> ranks_;          // a heap of the ranks that something waits for
    std::vector<Waiting> waiting_;
    std::uint32_t free_waiting_ = 0;
    std::vector<std::uint32_t> batch_;
    std::vector<std::uint64_t> urgent_;
  };

  // Appends the tokens of a piece of less than 4 GiB. A byte that has no token becomes U+FFFD where that has
  // tokens, and nothing where it has none either. Time n log n at worst, linear but for a sort; stack
  // constant.
  void encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const;

 private:
  static constexpr std::uint32_t kNever = 0xFFFFFFFF;
  struct Slot {
    TokenId left = kNoToken;
    TokenId right = kNoToken;
    std::uint32_t rank = kNever;
  };

  std::uint32_t rank_of(TokenId left, TokenId right) const;
  std::size_t slot_of(TokenId left, TokenId right) const;
  void to_symbols(std::string_view piece, std::vector<TokenId>& ids) const;
  void merge_short(std::vector<TokenId>& ids) const;
  void merge_long(Scratch& scratch, std::vector<TokenId>& out) const;
  void merge_at(Scratch& scratch, std::uint32_t at, std::uint32_t floor) const;
  void wait(Scratch& scratch, std::uint32_t at, std::uint32_t floor) const;

  std::array<TokenId, 256> bytes_;
  std::array<TokenId, 3> replacement_;
  std::vector<TokenId> results_;  // by rank
  std::vector<Slot> slots_;       // open addressing; a power of two
  int shift_ = 0;
};

}  // namespace aloud
