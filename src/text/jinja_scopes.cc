// Which variables a scope owns before they are set: Jinja compiles scopes to Python functions, and so a name
// that a scope sets without having read it is undefined there from the start, whatever the context says.
#include <algorithm>
#include <map>
#include <set>

#include "text/jinja_syntax.h"

namespace aloud::jinja {
namespace {

// What a scope does with the names it mentions. The rules are those of Jinja's idtracking: first mention
// decides. A branch of an if is an overlay: it knows what its base knows and holds only what it adds.
struct Mentions {
  enum class Kind { kParameter, kLookup, kUnbound };

  const Mentions* parent = nullptr;  // the scope outside
  const Mentions* base = nullptr;    // the same scope before the branch
  std::map<int, Kind> names;
  std::set<int> stores;

  bool mentions(int symbol) const {
    for (const Mentions* layer = this; layer != nullptr; layer = layer->base) {
      if (layer->names.contains(symbol)) return true;
    }
    return false;
  }
  bool sets(int symbol) const {
    for (const Mentions* layer = this; layer != nullptr; layer = layer->base) {
      if (layer->stores.contains(symbol)) return true;
    }
    return false;
  }
  bool is_outside(int symbol) const {
    for (const Mentions* scope = parent; scope != nullptr; scope = scope->parent) {
      if (scope->mentions(symbol)) return true;
    }
    return false;
  }

  void parameter(int symbol) {
    stores.insert(symbol);
    names[symbol] = Kind::kParameter;
  }
  void load(int symbol) {
    if (!mentions(symbol) && !is_outside(symbol)) names[symbol] = Kind::kLookup;
  }
  void store(int symbol) {
    stores.insert(symbol);
    if (!mentions(symbol)) names[symbol] = is_outside(symbol) ? Kind::kLookup : Kind::kUnbound;
  }
  // Takes over an if's three kinds of branches. What not all of them set is looked up as well.
  void merge(std::span<const Mentions> branches) {
    constexpr int kAll = 3;
    std::map<int, int> counts;
    for (const Mentions& branch : branches) {
      for (const int symbol : branch.stores) counts[symbol] += sets(symbol) ? kAll : 1;
    }
    for (const Mentions& branch : branches) {
      for (const auto& [symbol, kind] : branch.names) names[symbol] = kind;
      stores.insert(branch.stores.begin(), branch.stores.end());
    }
    for (const auto& [symbol, count] : counts) {
      if (count < kAll) names[symbol] = Kind::kLookup;
    }
  }
  Mentions branch() const { return {.parent = parent, .base = this}; }
};

class ScopeAnalysis {
 public:
  explicit ScopeAnalysis(Heap& heap) : heap_(heap) {}

  void analyze_root(Syntax& syntax) {
    FrameSyntax frame;
    Mentions root;
    visit(syntax.body, root);
    finish(root, frame);
    syntax.unbound = frame.unbound;
    analyze_inside(syntax.body, root);
  }

 private:
  // ---- the statements of one scope, in order; scopes inside are left out

  void visit(Block block, Mentions& scope) {
    const Deeper deeper(heap_);
    for (const Statement* statement : block) visit(*statement, scope);
  }

  void visit(const Statement& statement, Mentions& scope) {
    heap_.charge(1);
    switch (statement.kind) {
      case StatementKind::kIf:
        return visit_if(statement, scope);
      case StatementKind::kSet:
        visit(statement.expression, scope);
        return visit(*statement.target, scope);
      case StatementKind::kMacro:
      case StatementKind::kSetBlock:
        return visit(*statement.target, scope);
      case StatementKind::kWith:
        for (const Assignment& assignment : statement.assignments) visit(assignment.expression, scope);
        return;
      default:
        return visit(statement.expression, scope);
    }
  }

  void visit_if(const Statement& statement, Mentions& scope) {
    const std::span<const Branch> branches = statement.branches;
    visit(branches[0].condition, scope);
    Mentions kinds[] = {scope.branch(), scope.branch(), scope.branch()};  // if, every elif, else
    visit(branches[0].body, kinds[0]);
    for (const Branch& branch : branches.subspan(1)) {
      if (branch.condition == nullptr) {
        visit(branch.body, kinds[2]);
      } else {
        visit(branch.condition, kinds[1]);
        Mentions body = kinds[1].branch();
        visit(branch.body, body);
        kinds[1].merge({&body, 1});
      }
    }
    scope.merge(kinds);
  }

  void visit(const Target& target, Mentions& scope) {
    heap_.charge(1);
    if (target.is_tuple) {
      for (const Target* part : target.parts) visit(*part, scope);
    } else if (target.attribute.empty()) {
      scope.store(target.symbol);
    } else {
      scope.load(target.symbol);
    }
  }

  static void declare(const Target& target, Mentions& scope) {
    if (!target.is_tuple) return scope.parameter(target.symbol);
    for (const Target* part : target.parts) declare(*part, scope);
  }

  void visit(const Expression* expression, Mentions& scope) {
    if (expression == nullptr) return;
    const Deeper deeper(heap_);
    heap_.charge(1);
    if (expression->kind == ExpressionKind::kVariable) scope.load(expression->symbol);
    for (const Expression* operand : expression->operands) visit(operand, scope);
    const CallArguments* arguments = expression->arguments;
    if (arguments == nullptr) return;
    for (const Expression* argument : arguments->positional) visit(argument, scope);
    for (const NamedExpression& argument : arguments->named) visit(argument.expression, scope);
    visit(arguments->star, scope);
    visit(arguments->double_star, scope);
  }

  // ---- the scopes inside a finished one

  void analyze_inside(Block block, const Mentions& scope) {
    const Deeper deeper(heap_);
    for (const Statement* statement : block) {
      for (const Branch& branch : statement->branches) analyze_inside(branch.body, scope);
      if (statement->frame != nullptr) analyze_scope(*statement, scope);
      if (statement->macro != nullptr) analyze_macro(*statement->macro, scope);
    }
  }

  void analyze_scope(const Statement& statement, const Mentions& outside) {
    Mentions inside;
    inside.parent = &outside;
    if (statement.kind == StatementKind::kFor) {
      inside.parameter(kSymbolLoop);
      declare(*statement.target, inside);
      Mentions otherwise;
      otherwise.parent = &outside;
      analyze_body(statement.otherwise, otherwise, *statement.otherwise_frame);
    }
    for (const Assignment& assignment : statement.assignments) declare(*assignment.target, inside);
    if (statement.kind == StatementKind::kFilterBlock) visit(statement.expression, inside);
    if (statement.kind == StatementKind::kNamedBlock) inside.parent = nullptr;
    analyze_body(statement.body, inside, *statement.frame);
  }

  void analyze_macro(const MacroSyntax& macro, const Mentions& outside) {
    Mentions inside;
    inside.parent = &outside;
    for (const Parameter& parameter : macro.parameters) inside.parameter(parameter.symbol);
    if (macro.uses_caller) inside.parameter(kSymbolCaller);
    if (macro.uses_named) inside.parameter(kSymbolKwargs);
    if (macro.uses_rest) inside.parameter(kSymbolVarargs);
    for (const Parameter& parameter : macro.parameters) visit(parameter.standard, inside);
    analyze_body(macro.body, inside, *macro.frame);
  }

  void analyze_body(Block body, Mentions& scope, FrameSyntax& frame) {
    visit(body, scope);
    finish(scope, frame);
    analyze_inside(body, scope);
  }

  void finish(const Mentions& scope, FrameSyntax& frame) {
    std::vector<int> unbound;
    for (const auto& [symbol, kind] : scope.names) {
      if (kind == Mentions::Kind::kUnbound) unbound.push_back(symbol);
    }
    frame.unbound = heap_.copy(std::span<const int>(unbound));
  }

  Heap& heap_;
};

}  // namespace

void analyze_scopes(Syntax& syntax, Heap& heap) { ScopeAnalysis(heap).analyze_root(syntax); }

}  // namespace aloud::jinja
