// Finds the tokens that are written out in a text: markup where it is trusted, ordinary words everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace aloud {

// True for names such as <think>, </s>, <|im_end|>, <｜User｜> and [INST]: a pair of brackets around
// something.
bool has_markup_shape(std::string_view name);

// Immutable; names are views that must outlive it.
class AddedTokens {
 public:
  struct Entry {
    std::string_view name;  // not empty
    TokenId id;
    bool markup;
  };
  // Of entries with the same name the first counts.
  explicit AddedTokens(std::vector<Entry> entries);
  AddedTokens() : AddedTokens(std::vector<Entry>{}) {}

  TokenId find_markup(std::string_view name) const;

  // Goes through a text once. Of the tokens that begin at the first place where any may, the longest is
  // found.
  class Search {
   public:
    Search(const AddedTokens& tokens, std::string_view text, std::span<const TextSpan> untrusted)
        : tokens_(tokens), text_(text), untrusted_(untrusted) {}
    struct Match {
      std::size_t begin;
      std::size_t end;
      TokenId id;
    };
    // The next match that begins where the last one ended or later. begin == size of text: there is none.
    Match next();

   private:
    const AddedTokens& tokens_;
    std::string_view text_;
    std::span<const TextSpan> untrusted_;  // those that end after at_
    std::size_t at_ = 0;
  };

 private:
  // The longest entry at the start of text: markup only within the first markup_limit bytes. nullptr: none.
  const Entry* longest(std::string_view text, std::size_t markup_limit) const;

  std::vector<Entry> entries_;               // sorted by name
  std::array<std::uint32_t, 257> first_{};   // entries whose first byte is b: [first_[b], first_[b + 1])
  std::array<bool, 256> begins_ordinary_{};  // a first byte of a name that is not markup
};

}  // namespace aloud
