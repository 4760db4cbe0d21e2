// Takes and returns pages.
#include "engine/kv_cache.h"

#include "base/check.h"

namespace aloud {

std::byte* KvPool::take() {
  if (free_.empty()) {
    if (static_cast<std::int64_t>(pages_.size()) == max_pages_) return nullptr;
    // Not cleared: a position is always written before it is read.
    pages_.push_back(make_kv_page(layout_));
    free_.push_back(pages_.back().get());
  }
  std::byte* page = free_.back();
  free_.pop_back();
  return page;
}

Status KvSequence::reserve(std::int64_t tokens) {
  const std::int64_t needed = pages_for(length_ + tokens);
  const std::int64_t missing = needed - static_cast<std::int64_t>(pages_.size());
  if (missing > pool_->max_pages() - pool_->used_pages()) {
    return fail("the context is full: {} tokens wanted, {} fit", length_ + tokens,
                pool_->max_pages() * kPageTokens);
  }
  for (std::int64_t i = 0; i < missing; ++i) pages_.push_back(pool_->take());
  return {};
}

void KvSequence::advance(std::int64_t tokens) {
  length_ += tokens;
  CHECK(length_ <= static_cast<std::int64_t>(pages_.size()) * kPageTokens);
}

void KvSequence::truncate(std::int64_t length) {
  CHECK(length >= 0 && length <= length_);
  length_ = length;
  while (static_cast<std::int64_t>(pages_.size()) * kPageTokens >= length_ + kPageTokens) {
    pool_->give_back(pages_.back());
    pages_.pop_back();
  }
}

}  // namespace aloud
