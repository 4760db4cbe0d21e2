// Subset construction, products, and what else becomes of automata.
#include "engine/grammar_automaton.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "base/check.h"

namespace aloud {

namespace {

// Nondeterministic, with edges that read nothing.
class Draft {
 public:
  struct Node {
    std::vector<Automaton::Edge> edges;
    std::vector<Automaton::Call> calls;
    std::vector<std::int32_t> free;
  };

  explicit Draft(const std::vector<bool>& rule_matches_empty) : rule_matches_empty_(rule_matches_empty) {}

  std::int32_t add() {
    nodes.emplace_back();
    return static_cast<std::int32_t>(nodes.size()) - 1;
  }

  // Draws the expression between two nodes. No path comes back to `from` or leaves `to`.
  void draw(const Expression& expression, std::int32_t from, std::int32_t to);

  std::vector<Node> nodes;

 private:
  Node& at(std::int32_t node) { return nodes[static_cast<std::size_t>(node)]; }
  void edge(std::int32_t from, Symbol first, Symbol last, std::int32_t to) {
    at(from).edges.push_back({first, last, to});
  }
  void free(std::int32_t from, std::int32_t to) { at(from).free.push_back(to); }
  void draw_text(std::string_view bytes, std::int32_t from, std::int32_t to);
  void draw_characters(const CharacterSet& set, std::int32_t from, std::int32_t to);
  void draw_sequence(const Expression::Sequence& kind, std::int32_t from, std::int32_t to);
  void draw_repeat(const Expression::Repeat& kind, std::int32_t from, std::int32_t to);
  void draw_automaton(const Automaton& automaton, std::int32_t from, std::int32_t to);
  void draw_graph(const Expression::Graph& kind, std::int32_t from, std::int32_t to);

  const std::vector<bool>& rule_matches_empty_;
};

void Draft::draw(const Expression& expression, std::int32_t from, std::int32_t to) {
  std::visit(Overloaded{[&](const Expression::Text& kind) { draw_text(kind.bytes, from, to); },
                        [&](const Expression::Characters& kind) { draw_characters(kind.set, from, to); },
                        [&](const Expression::Mark& kind) { edge(from, kind.symbol, kind.symbol, to); },
                        [&](const Expression::Sequence& kind) { draw_sequence(kind, from, to); },
                        [&](const Expression::Choice& kind) {
                          for (const ExpressionPtr& part : kind.parts) draw(*part, from, to);
                        },
                        [&](const Expression::Repeat& kind) { draw_repeat(kind, from, to); },
                        [&](const Expression::Call& kind) {
                          at(from).calls.push_back({kind.rule, to});
                          if (rule_matches_empty_[static_cast<std::size_t>(kind.rule)]) free(from, to);
                        },
                        [&](const Expression::Embedded& kind) { draw_automaton(*kind.automaton, from, to); },
                        [&](const Expression::Graph& kind) { draw_graph(kind, from, to); }},
             expression.what);
}

void Draft::draw_text(std::string_view bytes, std::int32_t from, std::int32_t to) {
  if (bytes.empty()) return free(from, to);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    const std::int32_t next = i + 1 == bytes.size() ? to : add();
    edge(from, byte, byte, next);
    from = next;
  }
}

void Draft::draw_characters(const CharacterSet& set, std::int32_t from, std::int32_t to) {
  // Sequences with the same end share it.
  std::map<std::pair<std::vector<std::pair<int, int>>, std::int32_t>, std::int32_t> ends;
  for (const Utf8Sequence& utf8 : utf8_sequences(set)) {
    std::int32_t next = to;
    std::vector<std::pair<int, int>> end;
    for (int i = utf8.length - 1; i > 0; --i) {
      const Utf8Sequence::Bytes bytes = utf8.bytes[i];
      end.emplace_back(bytes.first, bytes.last);
      const auto [found, is_new] = ends.try_emplace({end, to}, 0);
      if (is_new) {
        found->second = add();
        edge(found->second, bytes.first, bytes.last, next);
      }
      next = found->second;
    }
    edge(from, utf8.bytes[0].first, utf8.bytes[0].last, next);
  }
}

void Draft::draw_sequence(const Expression::Sequence& kind, std::int32_t from, std::int32_t to) {
  if (kind.parts.empty()) return free(from, to);
  for (std::size_t i = 0; i < kind.parts.size(); ++i) {
    const std::int32_t next = i + 1 == kind.parts.size() ? to : add();
    draw(*kind.parts[i], from, next);
    from = next;
  }
}

void Draft::draw_repeat(const Expression::Repeat& kind, std::int32_t from, std::int32_t to) {
  const auto one_more = [&] {
    const std::int32_t next = add();
    draw(*kind.part, from, next);
    from = next;
  };
  for (std::int64_t i = 0; i < kind.least; ++i) one_more();
  if (kind.most == kUnbounded) {
    const std::int32_t loop = add();
    free(from, loop);
    draw(*kind.part, loop, loop);
    from = loop;
  } else {
    for (std::int64_t i = kind.least; i < kind.most; ++i) {
      free(from, to);
      one_more();
    }
  }
  free(from, to);
}

void Draft::draw_automaton(const Automaton& automaton, std::int32_t from, std::int32_t to) {
  const auto base = static_cast<std::int32_t>(nodes.size());
  nodes.resize(nodes.size() + automaton.states.size());
  free(from, base);
  for (std::int32_t s = 0; s < std::ssize(automaton.states); ++s) {
    const Automaton::State& state = automaton.states[static_cast<std::size_t>(s)];
    for (const Automaton::Edge& e : state.edges) edge(base + s, e.first, e.last, base + e.target);
    if (state.final) free(base + s, to);
  }
}

void Draft::draw_graph(const Expression::Graph& kind, std::int32_t from, std::int32_t to) {
  const auto base = static_cast<std::int32_t>(nodes.size());
  nodes.resize(nodes.size() + static_cast<std::size_t>(kind.nodes));
  free(from, base);
  for (const Expression::Graph::Edge& e : kind.edges) {
    if (e.part == nullptr)
      free(base + e.from, base + e.to);
    else
      draw(*e.part, base + e.from, base + e.to);
  }
  free(base + kind.nodes - 1, to);
}

using NodeSet = std::vector<std::int32_t>;  // sorted

struct HashOfSet {
  std::size_t operator()(const NodeSet& set) const {
    std::uint64_t hash = 0;
    for (const std::int32_t node : set) hash = (hash ^ static_cast<std::uint64_t>(node)) * 0x9E3779B97F4A7C15;
    return static_cast<std::size_t>(hash ^ (hash >> 32));
  }
};

class SubsetConstruction {
 public:
  SubsetConstruction(const Draft& draft, std::int32_t end, GrammarBudget& budget)
      : draft_(draft), end_(end), budget_(budget), seen_(draft.nodes.size(), -1) {}

  Result<Automaton> run(std::int32_t begin) {
    TRY(state_of({begin}).map([](std::int32_t) {}));
    for (std::size_t s = 0; s < sets_.size(); ++s) {
      // A copy of the pointer: sets_ grows, what it points to stays.
      const NodeSet& set = *sets_[s];
      result_.states[s].final = std::ranges::binary_search(set, end_);
      TRY(add_edges(s, set));
      TRY(add_calls(s, set));
    }
    return std::move(result_);
  }

 private:
  const Draft::Node& node(std::int32_t id) const { return draft_.nodes[static_cast<std::size_t>(id)]; }

  // The state for these nodes and those that can be reached from them for free.
  Result<std::int32_t> state_of(NodeSet nodes) {
    ++round_;
    NodeSet set;
    while (!nodes.empty()) {
      const std::int32_t id = nodes.back();
      nodes.pop_back();
      if (std::exchange(seen_[static_cast<std::size_t>(id)], round_) == round_) continue;
      const Draft::Node& here = node(id);
      if (id == end_ || !here.edges.empty() || !here.calls.empty()) set.push_back(id);
      nodes.insert(nodes.end(), here.free.begin(), here.free.end());
    }
    std::ranges::sort(set);
    const auto [found, is_new] = ids_.try_emplace(std::move(set), static_cast<std::int32_t>(sets_.size()));
    if (is_new) {
      TRY(budget_.spend(4 + std::ssize(found->first)));
      sets_.push_back(&found->first);
      result_.states.emplace_back();
    }
    return found->second;
  }

  Status add_edges(std::size_t s, const NodeSet& set) {
    std::vector<Automaton::Edge> edges;
    for (const std::int32_t id : set) edges.insert(edges.end(), node(id).edges.begin(), node(id).edges.end());
    std::vector<int> cuts;  // where the set of targets changes
    for (const Automaton::Edge& edge : edges) {
      cuts.push_back(edge.first);
      cuts.push_back(edge.last + 1);
    }
    std::ranges::sort(cuts);
    cuts.erase(std::unique(cuts.begin(), cuts.end()), cuts.end());
    std::vector<NodeSet> targets(cuts.size());
    for (const Automaton::Edge& edge : edges) {
      auto at = static_cast<std::size_t>(std::ranges::lower_bound(cuts, int{edge.first}) - cuts.begin());
      for (; cuts[at] <= edge.last; ++at) targets[at].push_back(edge.target);
    }
    for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
      if (targets[i].empty()) continue;
      TRY(budget_.spend(std::ssize(targets[i]) / 8));
      TRY_ASSIGN(const std::int32_t target, state_of(std::move(targets[i])));
      const auto first = static_cast<Symbol>(cuts[i]);
      const auto last = static_cast<Symbol>(cuts[i + 1] - 1);
      std::vector<Automaton::Edge>& out = result_.states[s].edges;
      if (!out.empty() && out.back().target == target && out.back().last + 1 == first)
        out.back().last = last;
      else
        out.push_back({first, last, target});
    }
    return {};
  }

  Status add_calls(std::size_t s, const NodeSet& set) {
    std::map<RuleId, NodeSet> targets;
    for (const std::int32_t id : set) {
      for (const Automaton::Call& call : node(id).calls) targets[call.rule].push_back(call.target);
    }
    for (auto& [rule, nodes] : targets) {
      TRY_ASSIGN(const std::int32_t target, state_of(std::move(nodes)));
      result_.states[s].calls.push_back({rule, target});
    }
    return {};
  }

  const Draft& draft_;
  const std::int32_t end_;
  GrammarBudget& budget_;
  std::vector<std::int32_t> seen_;
  std::int32_t round_ = 0;
  std::unordered_map<NodeSet, std::int32_t, HashOfSet> ids_;
  std::vector<const NodeSet*> sets_;  // by state
  Automaton result_;
};

// States are pairs; -1 in the second place: b has failed, which only a difference outlives.
class Product {
 public:
  Product(const Automaton& a, const Automaton& b, bool difference, GrammarBudget& budget)
      : a_(a), b_(b), difference_(difference), budget_(budget) {}

  Result<Automaton> run() {
    TRY(state_of(0, 0).map([](std::int32_t) {}));
    for (std::size_t s = 0; s < pairs_.size(); ++s) {
      const auto [in_a, in_b] = pairs_[s];
      const Automaton::State& x = a_.states[static_cast<std::size_t>(in_a)];
      CHECK(x.calls.empty());
      const Automaton::State* y = in_b < 0 ? nullptr : &b_.states[static_cast<std::size_t>(in_b)];
      result_.states[s].final = x.final && (y != nullptr && y->final) != difference_;
      TRY(add_edges(s, x, y));
    }
    return std::move(result_);
  }

 private:
  Result<std::int32_t> state_of(std::int32_t in_a, std::int32_t in_b) {
    const auto [found, is_new] = ids_.try_emplace({in_a, in_b}, static_cast<std::int32_t>(pairs_.size()));
    if (is_new) {
      TRY(budget_.spend(8));
      pairs_.emplace_back(in_a, in_b);
      result_.states.emplace_back();
    }
    return found->second;
  }

  Status add(std::size_t s, int first, int last, std::int32_t in_a, std::int32_t in_b) {
    if (first > last || (in_b < 0 && !difference_)) return {};
    TRY_ASSIGN(const std::int32_t target, state_of(in_a, in_b));
    result_.states[s].edges.push_back({static_cast<Symbol>(first), static_cast<Symbol>(last), target});
    return {};
  }

  Status add_edges(std::size_t s, const Automaton::State& x, const Automaton::State* y) {
    for (const Automaton::Edge& edge : x.edges) {
      int from = edge.first;
      if (y != nullptr) {
        for (const Automaton::Edge& other : y->edges) {
          if (other.last < from || other.first > edge.last) continue;
          TRY(add(s, from, other.first - 1, edge.target, -1));
          const int last = std::min(other.last, edge.last);
          TRY(add(s, std::max<int>(from, other.first), last, edge.target, other.target));
          from = last + 1;
        }
      }
      TRY(add(s, from, edge.last, edge.target, -1));
    }
    return {};
  }

  const Automaton& a_;
  const Automaton& b_;
  const bool difference_;
  GrammarBudget& budget_;
  std::map<std::pair<std::int32_t, std::int32_t>, std::int32_t> ids_;
  std::vector<std::pair<std::int32_t, std::int32_t>> pairs_;
  Automaton result_;
};

}  // namespace

std::int32_t Automaton::next(std::int32_t state, Symbol symbol) const {
  for (const Edge& edge : states[static_cast<std::size_t>(state)].edges) {
    if (edge.first <= symbol && symbol <= edge.last) return edge.target;
  }
  return -1;
}

bool Automaton::accepts(std::string_view text) const {
  std::int32_t state = 0;
  for (const char c : text) {
    state = next(state, static_cast<unsigned char>(c));
    if (state < 0) return false;
  }
  return states[static_cast<std::size_t>(state)].final;
}

bool Automaton::accepts_nothing() const { return std::ranges::none_of(states, &State::final); }

Status GrammarBudget::spend(std::int64_t nodes) {
  if (nodes > left_)
    return fail("too large: its automaton has too many states (repetitions, lengths and patterns multiply)");
  left_ -= nodes;
  return {};
}

Result<Automaton> determinise(const Expression& expression, const std::vector<bool>& rule_matches_empty,
                              GrammarBudget& budget) {
  TRY(budget.spend(expression.size));
  Draft draft(rule_matches_empty);
  const std::int32_t begin = draft.add();
  const std::int32_t end = draft.add();
  draft.draw(expression, begin, end);
  return SubsetConstruction(draft, end, budget).run(begin);
}

Result<Automaton> intersect(const Automaton& a, const Automaton& b, GrammarBudget& budget) {
  return Product(a, b, false, budget).run();
}

Result<Automaton> subtract(const Automaton& a, const Automaton& b, GrammarBudget& budget) {
  return Product(a, b, true, budget).run();
}

Automaton without_marks(const Automaton& a) {
  Automaton result;
  const std::int32_t begin = a.next(0, kTextBegin);
  if (begin < 0) {
    result.states.emplace_back();
    return result;
  }
  std::vector<std::int32_t> ids(a.states.size(), -1), order{begin};
  ids[static_cast<std::size_t>(begin)] = 0;
  for (std::size_t s = 0; s < order.size(); ++s) {
    Automaton::State state;
    const std::int32_t end = a.next(order[s], kTextEnd);
    state.final = end >= 0 && a.states[static_cast<std::size_t>(end)].final;
    for (Automaton::Edge edge : a.states[static_cast<std::size_t>(order[s])].edges) {
      if (edge.first >= kTextBegin) continue;
      std::int32_t& id = ids[static_cast<std::size_t>(edge.target)];
      if (id < 0) {
        id = static_cast<std::int32_t>(order.size());
        order.push_back(edge.target);
      }
      edge.target = id;
      state.edges.push_back(edge);
    }
    result.states.push_back(std::move(state));
  }
  return result;
}

void exclude_empty_text(Automaton& a) {
  if (!a.states[0].final) return;
  const auto old_begin = static_cast<std::int32_t>(a.states.size());
  a.states.push_back(a.states[0]);
  for (Automaton::State& state : a.states) {
    for (Automaton::Edge& edge : state.edges) edge.target = edge.target == 0 ? old_begin : edge.target;
    for (Automaton::Call& c : state.calls) c.target = c.target == 0 ? old_begin : c.target;
  }
  a.states[0].final = false;
}

}  // namespace aloud
