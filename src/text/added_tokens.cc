// A sorted list of names, narrowed byte by byte: each place costs no more than the longest name that could
// begin there.
#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

namespace aloud {

bool has_markup_shape(std::string_view name) {
  if (name.size() < 3) return false;
  return (name.front() == '<' && name.back() == '>') || (name.front() == '[' && name.back() == ']');
}

AddedTokens::AddedTokens(std::vector<Entry> entries) : entries_(std::move(entries)) {
  const auto by_name = [](const Entry& a, const Entry& b) { return a.name < b.name; };
  const auto same_name = [](const Entry& a, const Entry& b) { return a.name == b.name; };
  std::stable_sort(entries_.begin(), entries_.end(), by_name);
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same_name), entries_.end());
  for (const Entry& entry : entries_) {
    const auto byte = static_cast<unsigned char>(entry.name[0]);
    ++first_[byte + 1u];
    if (!entry.markup) begins_ordinary_[byte] = true;
  }
  for (std::size_t byte = 0; byte < 256; ++byte) first_[byte + 1] += first_[byte];
}

TokenId AddedTokens::find_markup(std::string_view name) const {
  const auto at =
      std::lower_bound(entries_.begin(), entries_.end(), name,
                       [](const Entry& entry, std::string_view text) { return entry.name < text; });
  return at != entries_.end() && at->name == name && at->markup ? at->id : kNoToken;
}

const AddedTokens::Entry* AddedTokens::longest(std::string_view text, std::size_t markup_limit) const {
  const auto first = static_cast<unsigned char>(text[0]);
  const Entry* low = entries_.data() + first_[first];
  const Entry* high = entries_.data() + first_[first + 1u];
  const Entry* found = nullptr;
  // All of [low, high) begin with the first `depth` bytes of text.
  for (std::size_t depth = 1; low != high; ++depth) {
    if (low->name.size() == depth) {
      if (!low->markup || depth <= markup_limit) found = low;
      ++low;
    }
    if (depth == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[depth]);
    const auto byte_of = [depth](const Entry& entry) {
      return static_cast<unsigned char>(entry.name[depth]);
    };
    low = std::partition_point(low, high, [&](const Entry& entry) { return byte_of(entry) < byte; });
    high = std::partition_point(low, high, [&](const Entry& entry) { return byte_of(entry) == byte; });
  }
  return found;
}

AddedTokens::Search::Match AddedTokens::Search::next() {
  while (at_ < text_.size()) {
    while (!untrusted_.empty() && untrusted_[0].end <= at_) untrusted_ = untrusted_.subspan(1);
    const std::size_t trusted_end = untrusted_.empty() ? text_.size() : untrusted_[0].begin;
    const bool trusted = at_ < trusted_end;
    // Up to `end` what may begin here does not change.
    const std::size_t end = std::min(text_.size(), trusted ? trusted_end : untrusted_[0].end);
    for (; at_ < end; ++at_) {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      const bool candidate =
          trusted ? tokens_.first_[byte] != tokens_.first_[byte + 1u] : tokens_.begins_ordinary_[byte];
      if (!candidate) continue;
      const Entry* entry = tokens_.longest(text_.substr(at_), trusted ? trusted_end - at_ : 0);
      if (entry == nullptr) continue;
      const std::size_t begin = std::exchange(at_, at_ + entry->name.size());
      return {begin, at_, entry->id};
    }
  }
  return {text_.size(), text_.size(), kNoToken};
}

}  // namespace aloud
