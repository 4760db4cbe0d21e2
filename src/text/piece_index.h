// From bytes to the token that stands for them.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace aloud {

// A hash table over views that must outlive it. Of equal views the first counts.
class PieceIndex {
 public:
  explicit PieceIndex(std::size_t most) {
    std::size_t size = 2;
    while (size < most * 2) size *= 2;
    slots_.resize(size);
  }

  void insert(std::string_view piece, TokenId id) {
    Slot& slot = slots_[slot_of(piece)];
    if (slot.id == kNoToken) slot = {piece, id};
  }

  // kNoToken: there is none.
  TokenId find(std::string_view piece) const { return slots_[slot_of(piece)].id; }

 private:
  struct Slot {
    std::string_view piece;
    TokenId id = kNoToken;
  };

  std::size_t slot_of(std::string_view piece) const {
    std::size_t slot = std::hash<std::string_view>{}(piece) & (slots_.size() - 1);
    while (slots_[slot].id != kNoToken && slots_[slot].piece != piece)
      slot = (slot + 1) & (slots_.size() - 1);
    return slot;
  }

  std::vector<Slot> slots_;  // open addressing; a power of two, at most half full
};

}  // namespace aloud
