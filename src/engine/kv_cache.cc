// Takes, shares and returns pages.
#include "engine/kv_cache.h"

#include <cstring>

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
  references_[page] = 1;
  return page;
}

void KvPool::share(std::byte* page) {
  const auto found = references_.find(page);
  CHECK(found != references_.end());
  ++found->second;
}

void KvPool::give_back(std::byte* page) {
  const auto found = references_.find(page);
  CHECK(found != references_.end());
  if (--found->second > 0) return;
  references_.erase(found);
  free_.push_back(page);
}

std::int64_t KvPool::references(const std::byte* page) const {
  const auto found = references_.find(page);
  return found == references_.end() ? 0 : found->second;
}

Status KvSequence::reserve(std::int64_t tokens) {
  const std::int64_t missing = missing_pages(tokens);
  if (missing > pool_->free_pages()) {
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

void KvSequence::append_shared(std::byte* page) {
  CHECK(length_ == std::ssize(pages_) * kPageTokens);
  pool_->share(page);
  pages_.push_back(page);
  length_ += kPageTokens;
}

void KvSequence::append_copy(const std::byte* page, std::int64_t tokens) {
  CHECK(length_ == std::ssize(pages_) * kPageTokens && tokens > 0 && tokens < kPageTokens);
  std::byte* own = pool_->take();
  CHECK(own != nullptr);
  std::memcpy(own, page, static_cast<std::size_t>(pool_->layout().page_bytes()));
  pages_.push_back(own);
  length_ += tokens;
}

void KvSequence::replace(std::int64_t index, std::byte* page) {
  std::byte*& place = pages_[static_cast<std::size_t>(index)];
  if (place == page) return;
  pool_->share(page);
  pool_->give_back(place);
  place = page;
}

}  // namespace aloud
