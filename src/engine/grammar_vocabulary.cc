// Builds the trie, and finds the tokens that a state allows by walking over it.
#include "engine/grammar_vocabulary.h"

#include <algorithm>
#include <chrono>
#include <numeric>

namespace aloud {

namespace {

constexpr std::size_t kFew = 512;
constexpr std::int64_t kMaskOverhead = 256;  // of an entry in the cache

}  // namespace

std::int64_t StateTokens::bytes() const {
  return static_cast<std::int64_t>(few.size() * sizeof(few[0]) + many.words().size_bytes() +
                                   ends.size() * sizeof(ends[0])) +
         kMaskOverhead;
}

GrammarVocabulary::GrammarVocabulary(const Tokenizer& tokenizer, std::int64_t cache_bytes)
    : tokenizer_(tokenizer), cache_bytes_(cache_bytes) {
  for (TokenId token = 0; token < tokenizer.size(); ++token) {
    const std::size_t length = text_of(token).size();
    if (length > 0 && length <= kLongestGrammarToken) tokens_.push_back(token);
  }
  std::ranges::sort(tokens_, [&](TokenId a, TokenId b) {
    const std::string_view x = text_of(a), y = text_of(b);
    return x != y ? x < y : a < b;
  });
  // In this order a node's tokens come before those below it, and the way to the last token is `way`.
  std::vector<std::uint32_t> way{kRoot};
  nodes_.push_back({0, 0, 0, 0});
  const auto leave = [&](std::size_t depth) {
    for (; way.size() > depth; way.pop_back())
      nodes_[way.back()].end = static_cast<std::uint32_t>(nodes_.size());
  };
  std::string_view last;
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view bytes = text_of(tokens_[i]);
    const auto common = static_cast<std::size_t>(std::ranges::mismatch(bytes, last).in1 - bytes.begin());
    leave(common + 1);
    for (std::size_t depth = common; depth < bytes.size(); ++depth) {
      way.push_back(static_cast<std::uint32_t>(nodes_.size()));
      // Nodes on the way to a longer token hold none.
      nodes_.push_back({0, i, static_cast<std::uint8_t>(depth + 1), static_cast<std::uint8_t>(bytes[depth])});
    }
    last = bytes;
  }
  leave(0);
  nodes_.push_back(
      {static_cast<std::uint32_t>(nodes_.size()) + 1, static_cast<std::uint32_t>(tokens_.size()), 0, 0});
}

std::string_view GrammarVocabulary::text_of(TokenId token) const {
  const TokenKind kind = tokenizer_.kind(token);
  const bool is_text =
      kind == TokenKind::kNormal || kind == TokenKind::kByte || kind == TokenKind::kUserDefined;
  if (!is_text || tokenizer_.is_markup(token) || tokenizer_.is_end_of_turn(token)) return {};
  return tokenizer_.bytes(token);
}

std::shared_ptr<const StateTokens> GrammarVocabulary::tokens_of(const Grammar& grammar,
                                                                Grammar::StateId state) const {
  const Grammar::Digest& digest = grammar.digest(state);
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = cached_.find(digest); found != cached_.end()) {
      cache_.splice(cache_.begin(), cache_, found->second);
      return found->second->tokens;
    }
  }
  auto tokens = std::make_shared<const StateTokens>(work_out(grammar, state));
  const std::lock_guard lock(mutex_);
  if (cached_.contains(digest)) return tokens;
  cache_.push_front({digest, tokens});
  cached_[digest] = cache_.begin();
  cached_bytes_ += tokens->bytes();
  while (cached_bytes_ > cache_bytes_ && cache_.size() > 1) {
    cached_bytes_ -= cache_.back().tokens->bytes();
    cached_.erase(cache_.back().digest);
    cache_.pop_back();
  }
  return tokens;
}

StateTokens GrammarVocabulary::work_out(const Grammar& grammar, Grammar::StateId state) const {
  StateTokens result;
  std::vector<TokenId> allowed;
  GrammarWalker walker(grammar);
  const auto ends = [&](const GrammarThread& thread) { return walker.may_end(thread); };
  if (grammar.is_final(state)) result.ends.push_back(kRoot);
  walk(kRoot, walker, {{state, kNoFrame}}, [&](std::uint32_t node, std::span<const GrammarThread> threads) {
    const std::span<const TokenId> tokens = tokens_at(node);
    allowed.insert(allowed.end(), tokens.begin(), tokens.end());
    if (!is_leaf(node) && std::ranges::any_of(threads, ends)) result.ends.push_back(node);
  });
  if (allowed.size() <= kFew) {
    result.few = std::move(allowed);
  } else {
    result.many = TokenMask(tokenizer_.size());
    for (const TokenId token : allowed) result.many.allow(token);
  }
  return result;
}

void GrammarVocabulary::prepare(const Grammar& grammar, double seconds) const {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
  for (Grammar::StateId state = 0; state < grammar.size() && Clock::now() < deadline; ++state)
    tokens_of(grammar, state);
}

}  // namespace aloud
