// Grammars that were compiled before, so that a request with the grammar of an earlier one does not wait.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/grammar.h"

namespace aloud {

// Any thread. A grammar belongs to the owner for whom it was compiled: another owner's request for the same
// text compiles it again, so that its time tells nobody what others have sent. What was refused is not kept.
class GrammarCache {
 public:
  static constexpr std::int64_t kBytes = 64 << 20;

  // bytes: of all grammars and their texts together; those that were not used for the longest time go.
  explicit GrammarCache(std::int64_t bytes = kBytes) : max_bytes_(bytes) {}

  // kind: which language the text is in. compile is called without a lock, and by two threads at once if both
  // need what is not there.
  Result<Grammar::Ptr> get(std::string_view owner, std::string_view kind, std::string_view text,
                           const std::function<Result<Grammar::Ptr>()>& compile);

  std::int64_t bytes() const;

 private:
  struct Entry {
    std::string key;
    Grammar::Ptr grammar;
    std::int64_t bytes = 0;
  };

  void add(std::string key, const Grammar::Ptr& grammar);

  const std::int64_t max_bytes_;
  mutable std::mutex mutex_;                                                // over the following
  std::list<Entry> entries_;                                                // the last used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> found_;  // by the entry's key
  std::int64_t bytes_ = 0;
};

// Where one owner's grammars come from. Without a cache each is compiled anew. The cache must outlive the
// calls; the errors are those of Grammar.
class GrammarSource {
 public:
  GrammarSource() = default;
  GrammarSource(GrammarCache& cache, std::string owner) : cache_(&cache), owner_(std::move(owner)) {}

  Result<Grammar::Ptr> from_json_schema(const nlohmann::ordered_json& schema) const;
  Result<Grammar::Ptr> from_regex(std::string_view pattern) const;
  Result<Grammar::Ptr> from_gbnf(std::string_view source) const;

 private:
  Result<Grammar::Ptr> get(std::string_view kind, std::string_view text,
                           const std::function<Result<Grammar::Ptr>()>& compile) const;

  GrammarCache* cache_ = nullptr;
  std::string owner_;
};

}  // namespace aloud
