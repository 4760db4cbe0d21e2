// Pages for keys and values: a pool with a fixed budget, and the table of one sequence.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "kernels/kv_layout.h"

namespace aloud {

// Owns the memory of all pages; memory is taken from the system page by page, when first needed, and kept for
// reuse. One thread at a time.
class KvPool {
 public:
  KvPool(KvLayout layout, std::int64_t max_pages) : layout_(layout), max_pages_(max_pages) {}
  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  const KvLayout& layout() const { return layout_; }
  std::int64_t max_pages() const { return max_pages_; }
  std::int64_t used_pages() const { return static_cast<std::int64_t>(pages_.size() - free_.size()); }

  // nullptr when all max_pages are in use.
  std::byte* take();
  void give_back(std::byte* page) { free_.push_back(page); }

 private:
  KvLayout layout_;
  std::int64_t max_pages_;
  std::vector<KvPage> pages_;
  std::vector<std::byte*> free_;
};

// The pages of one sequence; gives them back when destroyed. The pool must outlive it.
class KvSequence {
 public:
  explicit KvSequence(KvPool& pool) : pool_(&pool) {}
  ~KvSequence() { truncate(0); }
  KvSequence(const KvSequence&) = delete;
  KvSequence& operator=(const KvSequence&) = delete;

  std::int64_t length() const { return length_; }
  // Takes pages so that `tokens` more fit. Errors: the pool is empty (nothing is taken then).
  Status reserve(std::int64_t tokens);
  void advance(std::int64_t tokens);   // after a step; they must have been reserved
  void truncate(std::int64_t length);  // forgets what lies past length
  KvView view() const { return {pages_, length_}; }

 private:
  KvPool* pool_;
  std::vector<std::byte*> pages_;
  std::int64_t length_ = 0;
};

}  // namespace aloud
