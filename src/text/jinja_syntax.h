// The syntax tree of a template: plain nodes in one arena, never changed after parsing.
#pragma once

#include <memory_resource>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace aloud::jinja {

enum class Operator : std::uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

struct Expression;
struct Filter;
struct Test;

struct NamedExpression {
  std::string_view name;
  const Expression* expression;
};

// What stands in the parentheses of a call, filter or test.
struct CallArguments {
  std::span<const Expression* const> positional;
  std::span<const NamedExpression> named;
  const Expression* star = nullptr;         // *list
  const Expression* double_star = nullptr;  // **dict
};

enum class ExpressionKind : std::uint8_t {
  kConstant,     // value
  kVariable,     // symbol, name
  kList,         // operands
  kTuple,        // operands
  kDict,         // operands: key, value, key, value, ...
  kAttribute,    // operands[0].name
  kItem,         // operands[0][operands[1]]
  kSlice,        // operands[0][operands[1]:operands[2]:operands[3]], each of the three may be null
  kCall,         // operands[0](arguments)
  kFilter,       // operands[0] | name(arguments); operands[0] is null in a filter block
  kTest,         // operands[0] is name(arguments)
  kNot,          // operands[0]
  kNegative,     // operands[0]
  kPositive,     // operands[0]
  kBinary,       // operands[0] operators[0] operands[1]
  kCompare,      // operands[0] operators[0] operands[1] operators[1] operands[2] ...
  kConcatenate,  // operands joined by ~
  kAnd,          // operands[0], operands[1]
  kOr,
  kConditional,  // operands[1] if operands[0] else operands[2], which may be null
};

struct Expression {
  ExpressionKind kind;
  int line = 0;
  int symbol = -1;
  std::string_view name;
  Value value;
  std::span<const Expression* const> operands;
  std::span<const Operator> operators;
  const CallArguments* arguments = nullptr;
  const Filter* filter = nullptr;  // null when there is none of that name
  const Test* test = nullptr;
};

// Where a value goes: a name, a tuple of targets, or an attribute of a namespace (symbol.attribute).
struct Target {
  int line = 0;
  int symbol = -1;
  std::string_view name;
  std::string_view attribute;  // empty unless of a namespace
  bool is_tuple = false;
  std::span<const Target* const> parts;
};

// What a scope has to know when it is entered; filled in by analyze_scopes().
struct FrameSyntax {
  std::span<const int> unbound;  // the symbols that are undefined here until they are set
};

struct Statement;
using Block = std::span<const Statement* const>;

struct Parameter {
  int symbol;
  std::string_view name;
  const Expression* standard;  // the default, or null
};

// What macro and call have in common. The flags tell whether the body mentions the special names.
struct MacroSyntax {
  std::string_view name;
  std::span<const Parameter> parameters;
  Block body;
  FrameSyntax* frame = nullptr;
  bool uses_caller = false, uses_named = false, uses_rest = false;
};

enum class StatementKind : std::uint8_t {
  kText,         // text
  kOutput,       // expression
  kFor,          // target, expression, condition (may be null), body, otherwise; flag: recursive
  kIf,           // branches: (expression or null, body) in order
  kSet,          // target, expression
  kSetBlock,     // target, expression: the filters or null, body
  kWith,         // assignments, body
  kMacro,        // macro, target
  kCall,         // macro, expression: the call
  kFilterBlock,  // expression, body
  kScope,        // body: autoescape, generation
  kNamedBlock,   // body, in the outermost scope unless flag: scoped
  kBreak,
  kContinue,
  kUnsupported,  // text: what a template without a loader cannot do
};

struct Branch {
  const Expression* condition;  // null: else
  Block body;
};
struct Assignment {
  const Target* target;
  const Expression* expression;
};

struct Statement {
  StatementKind kind;
  int line = 0;
  bool flag = false;
  std::string_view text;
  const Target* target = nullptr;
  const Expression* expression = nullptr;
  const Expression* condition = nullptr;
  Block body, otherwise;
  std::span<const Branch> branches;
  std::span<const Assignment> assignments;
  const MacroSyntax* macro = nullptr;
  FrameSyntax* frame = nullptr;            // of body, where that is a scope and not a macro's
  FrameSyntax* otherwise_frame = nullptr;  // of otherwise
};

// Names become small numbers, so that scopes compare integers. The names with fixed numbers are those the
// interpreter itself defines.
enum Symbol : int { kSymbolLoop, kSymbolCaller, kSymbolKwargs, kSymbolVarargs, kFixedSymbols };

struct Syntax {
  Block body;
  std::vector<std::string_view> symbols;
  std::span<const int> unbound;  // as in FrameSyntax, of the outermost scope
};

// source must live as long as the heap, which holds the tree. Errors (thrown): what was expected, and the
// line.
Syntax parse_template(std::string_view source, Heap& heap);

// The part of parsing that needs the whole tree (jinja_scopes.cc).
void analyze_scopes(Syntax& syntax, Heap& heap);

}  // namespace aloud::jinja
