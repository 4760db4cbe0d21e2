// What grammars are written in before they become automata: expressions over text and rules.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/grammar_characters.h"

namespace aloud {

struct Automaton;
struct Expression;
using ExpressionPtr = std::shared_ptr<const Expression>;
using RuleId = std::int32_t;

// What an automaton reads: bytes, and two marks that stand around a text while anchors are worked out.
using Symbol = std::uint16_t;
inline constexpr Symbol kTextBegin = 256;
inline constexpr Symbol kTextEnd = 257;

inline constexpr std::int64_t kUnbounded = -1;

// Immutable; parts may be shared.
struct Expression {
  struct Text {
    std::string bytes;
  };
  struct Characters {
    CharacterSet set;
  };
  struct Mark {
    Symbol symbol;
  };
  struct Sequence {
    std::vector<ExpressionPtr> parts;
  };
  struct Choice {
    std::vector<ExpressionPtr> parts;  // none: matches nothing at all
  };
  struct Repeat {
    ExpressionPtr part;
    std::int64_t least;
    std::int64_t most;  // or kUnbounded
  };
  struct Call {
    RuleId rule;
  };
  // An automaton that has been worked out already; it calls no rules.
  struct Embedded {
    std::shared_ptr<const Automaton> automaton;
  };
  // Paths from node 0 to the last one. For what would be written out many times over as an expression.
  struct Graph {
    struct Edge {
      std::int32_t from;
      std::int32_t to;
      ExpressionPtr part;  // nullptr: the empty text
    };
    std::int32_t nodes;
    std::vector<Edge> edges;
  };

  std::variant<Text, Characters, Mark, Sequence, Choice, Repeat, Call, Embedded, Graph> what;
  std::int64_t size =
      0;  // about as many nodes as its automaton has before it is made deterministic; saturates
};

ExpressionPtr text(std::string_view bytes);  // valid UTF-8
ExpressionPtr characters(CharacterSet set);
ExpressionPtr mark(Symbol symbol);
ExpressionPtr sequence(std::vector<ExpressionPtr> parts);
ExpressionPtr choice(std::vector<ExpressionPtr> parts);
ExpressionPtr nothing();  // matches no text, not even the empty one
ExpressionPtr repeat(ExpressionPtr part, std::int64_t least, std::int64_t most);
ExpressionPtr optional(ExpressionPtr part);
ExpressionPtr call(RuleId rule);
ExpressionPtr embedded(Automaton automaton);
ExpressionPtr graph(Expression::Graph graph);

bool is_nothing(const Expression& expression);  // as nothing() made it

// Whether it matches the empty text, if those rules do of which rule_matches_empty says so.
bool matches_empty(const Expression& expression, const std::vector<bool>& rule_matches_empty);

// Appends the rules that it calls, as often as it does.
void append_calls(const Expression& expression, std::vector<RuleId>& out);

// std::visit with one lambda per kind.
template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace aloud
