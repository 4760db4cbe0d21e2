// A list in the order of use, and where to find each entry.
#include "engine/grammar_cache.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace aloud {
namespace {

constexpr std::int64_t kGrammarOverhead = 256;  // of an entry

}  // namespace

Result<Grammar::Ptr> GrammarCache::get(std::string_view owner, std::string_view kind, std::string_view text,
                                       const std::function<Result<Grammar::Ptr>()>& compile) {
  // With its length, so that no owner's name can reach into the text.
  std::string key = fmt::format("{}:{}{}:{}", owner.size(), owner, kind, text);
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = found_.find(key); at != found_.end()) {
      entries_.splice(entries_.begin(), entries_, at->second);
      return at->second->grammar;
    }
  }
  TRY_ASSIGN(Grammar::Ptr grammar, compile());
  add(std::move(key), grammar);
  return grammar;
}

void GrammarCache::add(std::string key, const Grammar::Ptr& grammar) {
  const std::int64_t bytes = grammar->bytes() + std::ssize(key) + kGrammarOverhead;
  const std::lock_guard lock(mutex_);
  if (bytes > max_bytes_ || found_.contains(key)) return;
  entries_.push_front({std::move(key), grammar, bytes});
  found_[entries_.front().key] = entries_.begin();
  bytes_ += bytes;
  while (bytes_ > max_bytes_) {
    bytes_ -= entries_.back().bytes;
    found_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

std::int64_t GrammarCache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

Result<Grammar::Ptr> GrammarSource::get(std::string_view kind, std::string_view text,
                                        const std::function<Result<Grammar::Ptr>()>& compile) const {
  return cache_ == nullptr ? compile() : cache_->get(owner_, kind, text, compile);
}

Result<Grammar::Ptr> GrammarSource::from_json_schema(const nlohmann::ordered_json& schema) const {
  if (cache_ == nullptr) return Grammar::from_json_schema(schema);
  return get("schema", schema.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace),
             [&] { return Grammar::from_json_schema(schema); });
}

Result<Grammar::Ptr> GrammarSource::from_regex(std::string_view pattern) const {
  return get("regex", pattern, [&] { return Grammar::from_regex(pattern); });
}

Result<Grammar::Ptr> GrammarSource::from_gbnf(std::string_view source) const {
  return get("gbnf", source, [&] { return Grammar::from_gbnf(source); });
}

}  // namespace aloud
