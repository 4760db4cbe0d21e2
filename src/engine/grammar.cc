// Links the automata of a grammar's rules: what leads nowhere is left out, and what a walk asks often is
// worked out beforehand.
#include "engine/grammar.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/printable.h"
#include "engine/grammar_automaton.h"
#include "engine/grammar_regex.h"
#include "engine/grammar_schema.h"

namespace aloud {

namespace {

// Which rules match the empty text.
std::vector<bool> rules_that_match_empty(const GrammarRules& rules) {
  std::vector<std::vector<std::size_t>> callers(rules.size());
  for (std::size_t id = 0; id < rules.size(); ++id) {
    std::vector<RuleId> calls;
    append_calls(*rules[id].body, calls);
    std::ranges::sort(calls);
    calls.erase(std::unique(calls.begin(), calls.end()), calls.end());
    for (const RuleId called : calls) callers[static_cast<std::size_t>(called)].push_back(id);
  }
  std::vector<bool> empty(rules.size());
  std::vector<std::size_t> open(rules.size());
  for (std::size_t id = 0; id < rules.size(); ++id) open[id] = id;
  while (!open.empty()) {
    const std::size_t id = open.back();
    open.pop_back();
    if (empty[id] || !matches_empty(*rules[id].body, empty)) continue;
    empty[id] = true;
    open.insert(open.end(), callers[id].begin(), callers[id].end());
  }
  return empty;
}

std::uint64_t mix_hash(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15;
  return hash ^ (hash >> 29);
}

}  // namespace

// Works on one list of states, those of each rule together.
class GrammarLinker {
 public:
  Result<Grammar::Ptr> link(const GrammarRules& rules) {
    GrammarBudget budget;
    const std::vector<bool> empty = rules_that_match_empty(rules);
    // The text is a call of the first rule; the state before it is where only texts begin.
    TRY(add(*call(0), empty, budget));
    for (const GrammarRule& rule : rules) {
      if (Status added = add(*rule.body, empty, budget); !added)
        return fail("{}: {}", printable(rule.name), added.error().message);
    }
    if (empty[0]) states_[0].final = true;
    TRY(find_live_states());
    TRY(order_rules(rules));
    copy();
    find_next_bytes();
    find_digests();
    return std::make_shared<const Grammar>(std::move(grammar_));
  }

 private:
  // In the first, state 0, of which a rule's states are counted; then in numbers of the grammar.
  std::size_t begin_of(RuleId rule) const { return begins_[static_cast<std::size_t>(rule) + 1]; }

  Status add(const Expression& body, const std::vector<bool>& empty, GrammarBudget& budget) {
    TRY_ASSIGN(Automaton automaton, determinise(body, empty, budget));
    exclude_empty_text(automaton);
    const auto base = static_cast<std::int32_t>(states_.size());
    begins_.push_back(states_.size());
    for (Automaton::State& state : automaton.states) {
      for (Automaton::Edge& edge : state.edges) edge.target += base;
      for (Automaton::Call& called : state.calls) called.target += base;
      states_.push_back(std::move(state));
    }
    return {};
  }

  bool is_live(std::int32_t state) const { return live_[static_cast<std::size_t>(state)]; }
  bool is_live(const Automaton::Call& called) const {
    return is_live(called.target) && live_[begin_of(called.rule)];
  }

  // A state is live if some text leads from it to the end of its rule. Errors: the first is not.
  Status find_live_states() {
    live_.assign(states_.size(), false);
    std::vector<std::vector<std::size_t>> waiting(states_.size());  // who may become live by this state
    for (std::size_t s = 0; s < states_.size(); ++s) {
      for (const Automaton::Edge& edge : states_[s].edges)
        waiting[static_cast<std::size_t>(edge.target)].push_back(s);
      for (const Automaton::Call& called : states_[s].calls) {
        waiting[static_cast<std::size_t>(called.target)].push_back(s);
        waiting[begin_of(called.rule)].push_back(s);
      }
    }
    std::vector<std::size_t> open;
    for (std::size_t s = 0; s < states_.size(); ++s) {
      if (states_[s].final) open.push_back(s);
    }
    while (!open.empty()) {
      const std::size_t s = open.back();
      open.pop_back();
      if (live_[s]) continue;
      const Automaton::State& state = states_[s];
      live_[s] = state.final ||
                 std::ranges::any_of(state.edges, [&](const auto& edge) { return is_live(edge.target); }) ||
                 std::ranges::any_of(state.calls, [&](const auto& called) { return is_live(called); });
      if (live_[s]) open.insert(open.end(), waiting[s].begin(), waiting[s].end());
    }
    if (!live_[0]) return fail("nothing can match: no finite text satisfies it");
    for (Automaton::State& state : states_) {
      std::erase_if(state.edges, [&](const auto& edge) { return !is_live(edge.target); });
      std::erase_if(state.calls, [&](const auto& called) { return !is_live(called); });
    }
    return {};
  }

  // Rules after those that they may begin with. Errors: one may begin with itself.
  Status order_rules(const GrammarRules& rules) {
    enum class Visit : std::uint8_t { kNew, kOpen, kDone };
    std::vector<Visit> visits(begins_.size(), Visit::kNew);
    struct Open {
      std::size_t rule;
      std::size_t next_call = 0;
    };
    for (std::size_t root = 0; root < begins_.size(); ++root) {
      if (visits[root] != Visit::kNew) continue;
      std::vector<Open> path{{root}};
      visits[root] = Visit::kOpen;
      while (!path.empty()) {
        Open& here = path.back();
        const std::vector<Automaton::Call>& calls = states_[begins_[here.rule]].calls;
        if (here.next_call == calls.size()) {
          visits[here.rule] = Visit::kDone;
          order_.push_back(begins_[here.rule]);
          path.pop_back();
          continue;
        }
        const auto called = static_cast<std::size_t>(calls[here.next_call++].rule) + 1;
        if (visits[called] == Visit::kOpen)
          return fail("{}: may begin with itself (left recursion), so it makes no progress",
                      printable(rules[called - 1].name));
        if (visits[called] == Visit::kDone) continue;
        visits[called] = Visit::kOpen;
        path.push_back({called});
      }
    }
    std::vector<bool> is_begin(states_.size());
    for (const std::size_t begin : begins_) is_begin[begin] = true;
    for (std::size_t s = 0; s < states_.size(); ++s) {
      if (!is_begin[s]) order_.push_back(s);
    }
    return {};
  }

  void copy() {
    std::vector<Grammar::StateId> ids(states_.size());
    Grammar::StateId next = 0;
    for (std::size_t s = 0; s < states_.size(); ++s) {
      if (live_[s]) ids[s] = next++;
    }
    const auto id = [&](std::int32_t state) { return ids[static_cast<std::size_t>(state)]; };
    for (std::size_t s = 0; s < states_.size(); ++s) {
      if (!live_[s]) continue;
      const Automaton::State& from = states_[s];
      grammar_.states_.push_back({static_cast<std::uint32_t>(grammar_.edges_.size()),
                                  static_cast<std::uint32_t>(grammar_.calls_.size()),
                                  static_cast<std::uint32_t>(from.edges.size()),
                                  static_cast<std::uint32_t>(from.calls.size()),
                                  from.final,
                                  {}});
      for (const Automaton::Edge& edge : from.edges)
        grammar_.edges_.push_back(
            {static_cast<std::uint8_t>(edge.first), static_cast<std::uint8_t>(edge.last), id(edge.target)});
      for (const Automaton::Call& called : from.calls) {
        const Automaton::State& after = states_[static_cast<std::size_t>(called.target)];
        const bool last = after.final && after.edges.empty() && after.calls.empty();
        grammar_.calls_.push_back({ids[begin_of(called.rule)], id(called.target), last});
      }
    }
    std::erase_if(order_, [&](std::size_t s) { return !live_[s]; });
    for (std::size_t& s : order_) s = ids[s];
  }

  void find_next_bytes() {
    for (const std::size_t s : order_) {
      const auto id = static_cast<Grammar::StateId>(s);
      Grammar::ByteSet& next = grammar_.states_[s].next;
      for (const Grammar::Edge& edge : grammar_.edges(id)) {
        for (int byte = edge.first; byte <= edge.last; ++byte)
          next[static_cast<std::size_t>(byte / 64)] |= std::uint64_t{1} << (byte % 64);
      }
      for (const Grammar::Call& called : grammar_.calls(id)) {
        for (std::size_t i = 0; i < next.size(); ++i) next[i] |= grammar_.states_[called.begin].next[i];
      }
    }
  }

  // Round by round, what can be told apart by one byte more. A call reads nothing, so what it begins with is
  // taken from the same round.
  void find_digests() {
    constexpr std::uint64_t kSeeds[2] = {0xD1B54A32D192ED03, 0x8CB92BA72F3D8DD7};
    std::vector<Grammar::Digest>& digests = grammar_.digests_;
    digests.resize(grammar_.states_.size());
    for (std::size_t s = 0; s < digests.size(); ++s)
      digests[s] = {grammar_.states_[s].final, grammar_.states_[s].final};
    std::vector<Grammar::Digest> before;
    for (int round = 0; round < kLongestGrammarToken; ++round) {
      before = digests;
      for (const std::size_t s : order_) {
        const auto id = static_cast<Grammar::StateId>(s);
        for (std::size_t i = 0; i < 2; ++i) {
          std::uint64_t hash = mix_hash(kSeeds[i], grammar_.is_final(id));
          for (const Grammar::Edge& edge : grammar_.edges(id)) {
            hash = mix_hash(hash, 256u * edge.first + edge.last + 1);
            hash = mix_hash(hash, before[edge.target][i]);
          }
          for (const Grammar::Call& called : grammar_.calls(id)) {
            hash = mix_hash(hash, 1 << 20 | (called.last ? 1 : 0));
            hash = mix_hash(hash, digests[called.begin][i]);
            hash = mix_hash(hash, before[called.target][i]);
          }
          digests[s][i] = hash;
        }
      }
    }
  }

  std::vector<std::size_t> begins_;  // of the text, then of each rule
  std::vector<Automaton::State> states_;
  std::vector<bool> live_;
  std::vector<std::size_t> order_;  // states: the beginnings of rules first
  Grammar grammar_;
};

Result<Grammar::Ptr> Grammar::from_rules(const GrammarRules& rules) { return GrammarLinker().link(rules); }

Result<Grammar::Ptr> Grammar::from_gbnf(std::string_view source) {
  TRY_ASSIGN(const GrammarRules rules, parse_gbnf(source));
  return from_rules(rules);
}

Result<Grammar::Ptr> Grammar::from_regex(std::string_view pattern) {
  GrammarBudget budget;
  TRY_ASSIGN(Automaton automaton, regex_automaton(pattern, RegexMatch::kWhole, characters, budget));
  return from_rules({{"the pattern", embedded(std::move(automaton))}});
}

Result<Grammar::Ptr> Grammar::from_any_json() { return from_json_schema(true); }

Result<Grammar::Ptr> Grammar::from_json_schema(const nlohmann::ordered_json& schema) {
  TRY_ASSIGN(const GrammarRules rules, compile_json_schema(schema));
  return from_rules(rules);
}

std::int64_t Grammar::bytes() const {
  return static_cast<std::int64_t>(states_.capacity() * sizeof(State) + edges_.capacity() * sizeof(Edge) +
                                   calls_.capacity() * sizeof(Call) + digests_.capacity() * sizeof(Digest));
}

}  // namespace aloud
