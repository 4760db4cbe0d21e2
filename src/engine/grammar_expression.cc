// Makes expressions and asks them simple things.
#include "engine/grammar_expression.h"

#include <algorithm>

#include "engine/grammar_automaton.h"

namespace aloud {

namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 40;

std::int64_t saturated(std::int64_t size) { return std::min(size, kLargest); }

std::int64_t total_size(const std::vector<ExpressionPtr>& parts) {
  std::int64_t size = 1;
  for (const ExpressionPtr& part : parts) size = saturated(size + part->size);
  return size;
}

template <class Kind>
ExpressionPtr make(Kind kind, std::int64_t size) {
  return std::make_shared<const Expression>(Expression{std::move(kind), saturated(size)});
}

}  // namespace

ExpressionPtr text(std::string_view bytes) {
  return make(Expression::Text{std::string(bytes)}, static_cast<std::int64_t>(bytes.size()) + 1);
}

ExpressionPtr characters(CharacterSet set) {
  const auto size = static_cast<std::int64_t>(2 * set.ranges().size()) + 1;
  return make(Expression::Characters{std::move(set)}, size);
}

ExpressionPtr mark(Symbol symbol) { return make(Expression::Mark{symbol}, 1); }

ExpressionPtr sequence(std::vector<ExpressionPtr> parts) {
  const std::int64_t size = total_size(parts);
  return make(Expression::Sequence{std::move(parts)}, size);
}

ExpressionPtr choice(std::vector<ExpressionPtr> parts) {
  if (parts.size() == 1) return parts.front();
  const std::int64_t size = total_size(parts);
  return make(Expression::Choice{std::move(parts)}, size);
}

ExpressionPtr nothing() { return choice({}); }

ExpressionPtr repeat(ExpressionPtr part, std::int64_t least, std::int64_t most) {
  const std::int64_t copies = std::min(kLargest, std::max<std::int64_t>({least, most, 1}));
  const std::int64_t size = part->size > kLargest / copies ? kLargest : part->size * copies + copies;
  return make(Expression::Repeat{std::move(part), least, most}, size);
}

ExpressionPtr optional(ExpressionPtr part) { return repeat(std::move(part), 0, 1); }

ExpressionPtr call(RuleId rule) { return make(Expression::Call{rule}, 1); }

ExpressionPtr embedded(Automaton automaton) {
  const std::int64_t size = std::ssize(automaton.states) + 1;
  return make(Expression::Embedded{std::make_shared<const Automaton>(std::move(automaton))}, size);
}

ExpressionPtr graph(Expression::Graph graph) {
  std::int64_t size = graph.nodes;
  for (const Expression::Graph::Edge& edge : graph.edges)
    size = saturated(size + (edge.part == nullptr ? 1 : edge.part->size));
  return make(std::move(graph), size);
}

bool is_nothing(const Expression& expression) {
  const auto* kind = std::get_if<Expression::Choice>(&expression.what);
  return kind != nullptr && kind->parts.empty();
}

bool matches_empty(const Expression& expression, const std::vector<bool>& rule_matches_empty) {
  const auto empty = [&](const ExpressionPtr& part) { return matches_empty(*part, rule_matches_empty); };
  return std::visit(
      Overloaded{[](const Expression::Text& kind) { return kind.bytes.empty(); },
                 [](const Expression::Characters&) { return false; },
                 [](const Expression::Mark&) { return false; },
                 [&](const Expression::Sequence& kind) { return std::ranges::all_of(kind.parts, empty); },
                 [&](const Expression::Choice& kind) { return std::ranges::any_of(kind.parts, empty); },
                 [&](const Expression::Repeat& kind) { return kind.least == 0 || empty(kind.part); },
                 [&](const Expression::Call& kind) {
                   return bool{rule_matches_empty[static_cast<std::size_t>(kind.rule)]};
                 },
                 [](const Expression::Embedded& kind) { return kind.automaton->states[0].final; },
                 [&](const Expression::Graph& kind) {
                   std::vector<bool> reached(static_cast<std::size_t>(kind.nodes));
                   reached[0] = true;
                   for (bool changed = true; changed;) {
                     changed = false;
                     for (const Expression::Graph::Edge& edge : kind.edges) {
                       const auto from = static_cast<std::size_t>(edge.from);
                       const auto to = static_cast<std::size_t>(edge.to);
                       if (!reached[from] || reached[to] || (edge.part != nullptr && !empty(edge.part)))
                         continue;
                       reached[to] = changed = true;
                     }
                   }
                   return bool{reached.back()};
                 }},
      expression.what);
}

void append_calls(const Expression& expression, std::vector<RuleId>& out) {
  const auto all = [&](const std::vector<ExpressionPtr>& parts) {
    for (const ExpressionPtr& part : parts) append_calls(*part, out);
  };
  std::visit(Overloaded{[&](const Expression::Sequence& kind) { all(kind.parts); },
                        [&](const Expression::Choice& kind) { all(kind.parts); },
                        [&](const Expression::Repeat& kind) { append_calls(*kind.part, out); },
                        [&](const Expression::Call& kind) { out.push_back(kind.rule); },
                        [&](const Expression::Graph& kind) {
                          for (const Expression::Graph::Edge& edge : kind.edges)
                            if (edge.part != nullptr) append_calls(*edge.part, out);
                        },
                        [](const auto&) {}},
             expression.what);
}

}  // namespace aloud
