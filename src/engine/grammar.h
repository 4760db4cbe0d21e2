// What a text may be: rules compiled to one automaton with calls, over bytes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/grammar_rules.h"

namespace aloud {

// Texts of more bytes are not told apart by the digest of a state, so tokens longer than this are never
// allowed (runs of spaces and the like, which shorter tokens can write too).
inline constexpr int kLongestGrammarToken = 64;

// Immutable, shared by any number of replies and threads. From every state some text leads to the end, so a
// reply that keeps to the grammar can always be finished. Texts are valid UTF-8. Making one takes up to a
// second: not on the engine's thread. Errors say what was wrong and where; hostile input is refused within
// that second and within bounded memory.
class Grammar {
 public:
  using Ptr = std::shared_ptr<const Grammar>;

  // The values that docs/STRUCTURED_OUTPUT.md describes: all that is written is valid for the schema. Errors
  // name the keyword and its place, as a JSON pointer.
  static Result<Ptr> from_json_schema(const nlohmann::ordered_json& schema);
  // Any JSON value. (Any object: the schema {"type": "object"}.)
  static Result<Ptr> from_any_json();
  // The pattern matches from end to end; see grammar_regex.h.
  static Result<Ptr> from_regex(std::string_view pattern);
  static Result<Ptr> from_gbnf(std::string_view source);
  // Errors: the budget, left recursion, a language without any text.
  static Result<Ptr> from_rules(const GrammarRules& rules);

  // What follows is for those that walk through it.
  using StateId = std::uint32_t;
  struct Edge {
    std::uint8_t first;
    std::uint8_t last;  // inclusive
    StateId target;
  };
  struct Call {
    StateId begin;
    StateId target;  // where it goes on after the text of the rule
    bool last;       // nothing comes after that: no need to come back
  };
  // What may come next in the state and in the rules that it calls, not in those that it returns to.
  using ByteSet = std::array<std::uint64_t, 4>;
  // States of any grammars with the same digest accept the same texts of up to kLongestGrammarToken bytes,
  // and may end after the same ones. 128 bits.
  using Digest = std::array<std::uint64_t, 2>;

  StateId begin() const { return 0; }
  std::int64_t size() const { return std::ssize(states_); }
  std::int64_t bytes() const;  // of memory
  std::span<const Edge> edges(StateId state) const {
    return std::span(edges_).subspan(states_[state].edges, states_[state].edge_count);
  }
  std::span<const Call> calls(StateId state) const {
    return std::span(calls_).subspan(states_[state].calls, states_[state].call_count);
  }
  // A text of the rule may end here.
  bool is_final(StateId state) const { return states_[state].final; }
  bool may_read(StateId state, std::uint8_t byte) const {
    return states_[state].next[byte / 64] >> (byte % 64) & 1;
  }
  bool may_read(StateId state) const { return states_[state].next != ByteSet{}; }
  const Digest& digest(StateId state) const { return digests_[state]; }

 private:
  struct State {
    std::uint32_t edges;
    std::uint32_t calls;
    std::uint32_t edge_count;
    std::uint32_t call_count;
    bool final;
    ByteSet next;
  };
  friend class GrammarLinker;
  Grammar() = default;

  std::vector<State> states_;
  std::vector<Edge> edges_;
  std::vector<Call> calls_;
  std::vector<Digest> digests_;
};

}  // namespace aloud
