// The tokens of a model as grammars see them: a trie over their bytes, and what was found out about states.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "engine/grammar.h"
#include "engine/grammar_threads.h"
#include "engine/token_mask.h"
#include "text/tokenizer.h"

namespace aloud {

// What a state of a grammar allows, whatever rule it was called from.
struct StateTokens {
  std::vector<TokenId> few;  // the tokens that may come, if they are few,
  TokenMask many;            // else all of them here
  // Nodes of the trie at which the rule may end though tokens go on, in order; the root: it may end at once.
  std::vector<std::uint32_t> ends;

  std::int64_t bytes() const;
};

// Immutable but for a bounded cache, which is locked: any thread, any number of grammars. One per model; the
// tokenizer must outlive it.
class GrammarVocabulary {
 public:
  static constexpr std::int64_t kCacheBytes = 64 << 20;

  explicit GrammarVocabulary(const Tokenizer& tokenizer, std::int64_t cache_bytes = kCacheBytes);

  const Tokenizer& tokenizer() const { return tokenizer_; }

  // The bytes that a grammar must be able to read for a token; empty: never allowed (control tokens, markup).
  std::string_view text_of(TokenId token) const;

  // From the cache, or worked out, which takes milliseconds where most tokens may come.
  std::shared_ptr<const StateTokens> tokens_of(const Grammar& grammar, Grammar::StateId state) const;

  // Works states out before they are needed, beginning with the grammar's first, until some time has passed.
  void prepare(const Grammar& grammar, double seconds) const;

  // Calls reached(node, threads) for each node of the trie below `top` that the threads, which stand at top,
  // can read; threads is the list of those behind it.
  template <class Reached>
  void walk(std::uint32_t top, GrammarWalker& walker, std::vector<GrammarThread> threads,
            Reached&& reached) const;

  static constexpr std::uint32_t kRoot = 0;
  bool is_leaf(std::uint32_t node) const { return nodes_[node].end == node + 1; }
  // The tokens whose bytes end at a node.
  std::span<const TokenId> tokens_at(std::uint32_t node) const {
    return std::span(tokens_).subspan(nodes_[node].tokens, nodes_[node + 1].tokens - nodes_[node].tokens);
  }

 private:
  struct Node {
    std::uint32_t end;     // behind the last node below it
    std::uint32_t tokens;  // its first
    std::uint8_t depth;
    std::uint8_t byte;
  };
  struct Cached {
    Grammar::Digest digest;
    std::shared_ptr<const StateTokens> tokens;
  };

  StateTokens work_out(const Grammar& grammar, Grammar::StateId state) const;

  const Tokenizer& tokenizer_;
  const std::int64_t cache_bytes_;
  std::vector<Node> nodes_;  // every node before those below it, and one more at the end
  std::vector<TokenId> tokens_;

  mutable std::mutex mutex_;         // over the following
  mutable std::list<Cached> cache_;  // the last used first
  mutable std::map<Grammar::Digest, std::list<Cached>::iterator> cached_;
  mutable std::int64_t cached_bytes_ = 0;
};

template <class Reached>
void GrammarVocabulary::walk(std::uint32_t top, GrammarWalker& walker, std::vector<GrammarThread> threads,
                             Reached&& reached) const {
  // Threads of the node of each depth on the way; those of depth d end at ends[d].
  std::array<std::size_t, kLongestGrammarToken + 1> ends;
  const int top_depth = nodes_[top].depth;
  ends[0] = threads.size();
  for (std::uint32_t node = top + 1; node < nodes_[top].end;) {
    const auto depth = static_cast<std::size_t>(nodes_[node].depth - top_depth);
    const std::size_t begin = depth > 1 ? ends[depth - 2] : 0;
    const std::size_t end = ends[depth - 1];
    threads.resize(end);
    walker.step(threads, begin, end, nodes_[node].byte);
    ends[depth] = threads.size();
    if (threads.size() == end) {
      node = nodes_[node].end;
      continue;
    }
    reached(node, std::span<const GrammarThread>(threads).subspan(end));
    ++node;
  }
}

}  // namespace aloud
