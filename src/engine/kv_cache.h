// Pages for keys and values: a pool with a fixed budget, and the table of one sequence.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "kernels/kv_layout.h"

namespace aloud {

// Owns the memory of all pages and counts who refers to each; memory is taken from the system page by page,
// when first needed, and kept for reuse. One thread at a time.
class KvPool {
 public:
  KvPool(KvLayout layout, std::int64_t max_pages) : layout_(layout), max_pages_(max_pages) {}
  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  const KvLayout& layout() const { return layout_; }
  std::int64_t max_pages() const { return max_pages_; }
  std::int64_t used_pages() const { return static_cast<std::int64_t>(pages_.size() - free_.size()); }
  std::int64_t free_pages() const { return max_pages_ - used_pages(); }

  std::byte* take();                // with one reference; nullptr when all max_pages are in use
  void share(std::byte* page);      // one reference more
  void give_back(std::byte* page);  // one reference less; without any it is free
  std::int64_t references(const std::byte* page) const;

 private:
  KvLayout layout_;
  std::int64_t max_pages_;
  std::vector<KvPage> pages_;
  std::vector<std::byte*> free_;
  std::unordered_map<const std::byte*, std::int64_t> references_;  // of the pages in use
};

// The pages of one sequence; gives them back when destroyed. The pool must outlive it. Only pages that nobody
// else refers to are written, but for the rest of a last page of which others know the beginning.
class KvSequence {
 public:
  explicit KvSequence(KvPool& pool) : pool_(&pool) {}
  ~KvSequence() { truncate(0); }
  KvSequence(const KvSequence&) = delete;
  KvSequence& operator=(const KvSequence&) = delete;

  std::int64_t length() const { return length_; }
  std::span<std::byte* const> pages() const { return pages_; }
  // Pages that `tokens` more would take.
  std::int64_t missing_pages(std::int64_t tokens) const {
    return std::max<std::int64_t>(0, pages_for(length_ + tokens) - std::ssize(pages_));
  }
  // Takes pages so that `tokens` more fit. Errors: the pool is empty (nothing is taken then).
  Status reserve(std::int64_t tokens);
  void advance(std::int64_t tokens);   // after a step; they must have been reserved
  void truncate(std::int64_t length);  // forgets what lies past length

  // Goes on with a page that is computed already. All pages so far must be full and none reserved.
  void append_shared(std::byte* page);                           // a whole page, in its place
  void append_copy(const std::byte* page, std::int64_t tokens);  // its beginning; there must be a free page
  // Takes somebody else's page instead of an own one that holds the same.
  void replace(std::int64_t index, std::byte* page);

  KvView view() const { return {pages_, length_}; }

 private:
  KvPool* pool_;
  std::vector<std::byte*> pages_;
  std::int64_t length_ = 0;
};

}  // namespace aloud
