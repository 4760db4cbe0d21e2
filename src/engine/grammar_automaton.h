// Finite automata over bytes and calls of rules, deterministic in both.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/grammar_expression.h"

namespace aloud {

// At most one edge per symbol and one call per rule leave a state; every state can be reached from the first.
struct Automaton {
  struct Edge {
    Symbol first;
    Symbol last;  // inclusive
    std::int32_t target;
  };
  struct Call {
    RuleId rule;
    std::int32_t target;  // where it goes on after a text of the rule
  };
  struct State {
    std::vector<Edge> edges;  // sorted, disjoint
    std::vector<Call> calls;
    bool final = false;
  };
  std::vector<State> states;  // the first is where it begins

  // The next state, or -1.
  std::int32_t next(std::int32_t state, Symbol symbol) const;
  // The following two only for automata without calls.
  bool accepts(std::string_view text) const;
  bool accepts_nothing() const;  // not even the empty text
};

// What the building of one grammar may still cost. Expressions and patterns can ask for exponentially large
// automata; with this they fail within a second and some hundred megabytes.
class GrammarBudget {
 public:
  // Errors: there is less left.
  Status spend(std::int64_t nodes);

 private:
  std::int64_t left_ = 2'000'000;
};

// A rule that matches the empty text is called only for its other texts: the expression's automaton may also
// pass it by. Errors: the budget.
Result<Automaton> determinise(const Expression& expression, const std::vector<bool>& rule_matches_empty,
                              GrammarBudget& budget);

// Texts of both; texts of a that are not texts of b. Neither has calls. Errors: the budget.
Result<Automaton> intersect(const Automaton& a, const Automaton& b, GrammarBudget& budget);
Result<Automaton> subtract(const Automaton& a, const Automaton& b, GrammarBudget& budget);

// The texts t for which a accepts kTextBegin t kTextEnd.
Automaton without_marks(const Automaton& a);

// The same language, but never back in the first state and not accepting the empty text.
void exclude_empty_text(Automaton& a);

}  // namespace aloud
