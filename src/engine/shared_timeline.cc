// Joins the tree, computes, leaves.
#include "engine/shared_timeline.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace aloud {

SharedTimeline::SharedTimeline(KvPool& pool, PrefixTree& tree, std::vector<TokenId> prompt,
                               TimelineOwner owner, bool roles_matter)
    : pool_(pool),
      tree_(tree),
      owner_(std::move(owner)),
      roles_matter_(roles_matter),
      tokens_(std::move(prompt)),
      keys_(tokens_),
      prompt_tokens_(std::ssize(tokens_)),
      pages_(pool) {
  CHECK(!tokens_.empty());
}

void SharedTimeline::append(std::span<const TokenId> generated) {
  for (const TokenId token : generated) {
    tokens_.push_back(token);
    keys_.push_back(roles_matter_ ? ~token : token);
  }
}

bool SharedTimeline::join(std::int64_t promised_pages) {
  CHECK(place_ == nullptr);
  const PrefixTree::Found found = tree_.find(text(length() - 1));
  tree_.hold(found.place);  // what is held is not idle
  const std::int64_t needed = pages_for(length()) - std::ssize(found.pages);
  if (needed + promised_pages > pool_.free_pages() + tree_.idle_pages()) {
    tree_.release(found.place);
    return false;
  }
  place_ = found.place;
  for (std::byte* page : found.pages) pages_.append_shared(page);
  shown_pages_ = std::ssize(found.pages);
  if (found.next == nullptr) return true;
  tree_.hold(found.next);  // lest it be evicted for its copy
  while (pool_.free_pages() == 0 && tree_.evict()) {
  }
  if (pool_.free_pages() > 0) pages_.append_copy(PrefixTree::page(found.next), found.next_tokens);
  tree_.release(found.next);
  return true;
}

bool SharedTimeline::reserve(std::int64_t tokens) {
  const std::int64_t missing = pages_.missing_pages(tokens);
  while (pool_.free_pages() < missing) {
    if (!tree_.evict()) return false;
  }
  return pages_.reserve(tokens).has_value();
}

std::int64_t SharedTimeline::next_tokens(std::int64_t most) const {
  const std::int64_t end = computed() < prompt_tokens_ ? prompt_tokens_ : length();
  return std::min(most, end - computed());
}

SequenceStep SharedTimeline::step(std::int64_t tokens) const {
  CHECK(place_ != nullptr && tokens <= next_tokens(tokens));
  return {pages_.view(),
          std::span(tokens_).subspan(static_cast<std::size_t>(computed()), static_cast<std::size_t>(tokens)),
          role_at(computed()), tokens == missing() ? Logits::kLast : Logits::kNone};
}

void SharedTimeline::advance(std::int64_t tokens) {
  pages_.advance(tokens);
  for (; (shown_pages_ + 1) * kPageTokens <= computed(); ++shown_pages_) {
    const auto at = static_cast<std::size_t>(shown_pages_);
    place_ = tree_.extend(place_, text(computed()), pages_.pages()[at]);
    pages_.replace(shown_pages_, PrefixTree::page(place_));
  }
}

void SharedTimeline::show_end() {
  if (computed() == shown_pages_ * kPageTokens) return;
  tree_.add_end(place_, text(computed()), pages_.pages()[static_cast<std::size_t>(shown_pages_)]);
}

void SharedTimeline::leave() {
  if (place_ != nullptr) show_end();
  drop();
}

void SharedTimeline::drop() {
  if (place_ == nullptr) return;
  pages_.truncate(0);
  tree_.release(place_);
  place_ = nullptr;
  shown_pages_ = 0;
}

std::int64_t SharedTimeline::worth_waiting_for(const SharedTimeline& other) const {
  std::int64_t common = std::ranges::mismatch(keys_, other.keys_).in1 - keys_.begin();
  const bool same_owner = owner_.name == other.owner_.name;
  if (!same_owner) common = std::min({common, owner_.public_tokens, other.owner_.public_tokens});
  if (common < length() - 1 || !same_owner) return common / kPageTokens * kPageTokens;
  // All of it: then also for the last page, which is shown when it is full or when all is read.
  return std::min(pages_for(length() - 1) * kPageTokens, other.length());
}

}  // namespace aloud
