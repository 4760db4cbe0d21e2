// The parser: expressions, one function per level of binding.
#include <algorithm>
#include <array>

#include "text/jinja_filters.h"
#include "text/jinja_parser.h"

namespace aloud::jinja {

Expression* Parser::make(ExpressionKind kind, int line, std::span<const Expression* const> operands) {
  Expression* expression = heap_.make<Expression>();
  expression->kind = kind;
  expression->line = line;
  expression->operands = heap_.copy(operands);
  return expression;
}

Expression* Parser::make(ExpressionKind kind, int line, std::initializer_list<const Expression*> operands) {
  return make(kind, line, std::span<const Expression* const>(operands.begin(), operands.size()));
}

Expression* Parser::make_binary(Operator operation, const Expression* left, const Expression* right,
                                int line) {
  Expression* expression = make(ExpressionKind::kBinary, line, {left, right});
  expression->operators = heap_.copy(std::span<const Operator>(&operation, 1));
  return expression;
}

// One expression, or a tuple without parentheses when commas follow.
const Expression* Parser::parse_tuple(bool with_condition, bool in_parentheses) {
  const int line = current().line;
  const auto at_end = [&] {
    const TokenKind kind = current().kind;
    return kind == TokenKind::kOutputEnd || kind == TokenKind::kBlockEnd || current().is_operator(")");
  };
  std::vector<const Expression*> items;
  bool is_tuple = false;
  while (true) {
    if (!items.empty()) expect_operator(",");
    if (at_end()) break;
    items.push_back(parse_expression(with_condition));
    if (!current().is_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return items[0];
  if (!is_tuple && !in_parentheses)
    fail(fmt::format("Expected an expression, got '{}'", describe(current())));
  return make(ExpressionKind::kTuple, line, items);
}

const Expression* Parser::parse_expression(bool with_condition) {
  const Deeper deeper(heap_, Deeper::kLevelsInParser);
  if (!with_condition) return parse_or();
  const int line = current().line;
  const std::size_t unknown_before = unknown_.size();
  const Expression* expression = parse_or();
  while (skip_name("if")) {
    const Expression* condition = parse_or();
    const Expression* otherwise = skip_name("else") ? parse_expression() : nullptr;
    expression = make(ExpressionKind::kConditional, line, {condition, expression, otherwise});
    unknown_.resize(unknown_before);
  }
  return expression;
}

void Parser::note_unknown(std::string_view what, std::string_view name) {
  if (lenient_) return;
  unknown_.push_back({fmt::format("No {} named '{}'", what, name.substr(0, 100)), current().line});
}

const Expression* Parser::parse_or() {
  const Expression* left = parse_and();
  while (current().is_name("or")) {
    const int line = next().line;
    left = make(ExpressionKind::kOr, line, {left, parse_and()});
  }
  return left;
}

const Expression* Parser::parse_and() {
  const Expression* left = parse_not();
  while (current().is_name("and")) {
    const int line = next().line;
    left = make(ExpressionKind::kAnd, line, {left, parse_not()});
  }
  return left;
}

const Expression* Parser::parse_not() {
  if (!current().is_name("not")) return parse_compare();
  const Deeper deeper(heap_, Deeper::kLevelsInParser);
  const int line = next().line;
  return make(ExpressionKind::kNot, line, {parse_not()});
}

const Expression* Parser::parse_compare() {
  struct Comparison {
    std::string_view characters;
    Operator operation;
  };
  constexpr std::array<Comparison, 6> kComparisons = {{{"==", Operator::kEqual},
                                                       {"!=", Operator::kNotEqual},
                                                       {"<", Operator::kLess},
                                                       {"<=", Operator::kLessEqual},
                                                       {">", Operator::kGreater},
                                                       {">=", Operator::kGreaterEqual}}};
  const int line = current().line;
  std::vector<const Expression*> operands = {parse_sum()};
  std::vector<Operator> operators;
  while (true) {
    const auto* comparison = std::ranges::find(kComparisons, current().text, &Comparison::characters);
    if (current().kind == TokenKind::kOperator && comparison != kComparisons.end()) {
      next();
      operators.push_back(comparison->operation);
    } else if (skip_name("in")) {
      operators.push_back(Operator::kIn);
    } else if (current().is_name("not") && look().is_name("in")) {
      next();
      next();
      operators.push_back(Operator::kNotIn);
    } else {
      break;
    }
    operands.push_back(parse_sum());
  }
  if (operators.empty()) return operands[0];
  Expression* expression = make(ExpressionKind::kCompare, line, operands);
  expression->operators = heap_.copy(std::span<const Operator>(operators));
  return expression;
}

const Expression* Parser::parse_sum() {
  const Expression* left = parse_concatenation();
  while (current().is_operator("+") || current().is_operator("-")) {
    const Token& token = next();
    const Operator operation = token.text == "+" ? Operator::kAdd : Operator::kSubtract;
    left = make_binary(operation, left, parse_concatenation(), token.line);
  }
  return left;
}

const Expression* Parser::parse_concatenation() {
  const int line = current().line;
  std::vector<const Expression*> operands = {parse_product()};
  while (skip_operator("~")) operands.push_back(parse_product());
  return operands.size() == 1 ? operands[0] : make(ExpressionKind::kConcatenate, line, operands);
}

const Expression* Parser::parse_product() {
  const Expression* left = parse_power();
  while (true) {
    Operator operation = Operator::kMultiply;
    if (current().is_operator("/"))
      operation = Operator::kDivide;
    else if (current().is_operator("//"))
      operation = Operator::kFloorDivide;
    else if (current().is_operator("%"))
      operation = Operator::kModulo;
    else if (!current().is_operator("*"))
      return left;
    const int line = next().line;
    left = make_binary(operation, left, parse_power(), line);
  }
}

// To Jinja ** binds to the left, unlike in Python.
const Expression* Parser::parse_power() {
  const Expression* left = parse_unary();
  while (current().is_operator("**")) {
    const int line = next().line;
    left = make_binary(Operator::kPower, left, parse_unary(), line);
  }
  return left;
}

const Expression* Parser::parse_unary(bool with_filters) {
  const Deeper deeper(heap_, Deeper::kLevelsInParser);
  const Expression* expression = nullptr;
  if (current().is_operator("-") || current().is_operator("+")) {
    const Token& token = next();
    const ExpressionKind kind = token.text == "-" ? ExpressionKind::kNegative : ExpressionKind::kPositive;
    expression = make(kind, token.line, {parse_unary(false)});
  } else {
    expression = parse_primary();
  }
  expression = parse_postfix(expression);
  return with_filters ? parse_filters_and_tests(expression) : expression;
}

const Expression* Parser::parse_primary() {
  const Token& token = current();
  switch (token.kind) {
    case TokenKind::kName:
      return parse_name();
    case TokenKind::kString:
      return parse_string();
    case TokenKind::kInteger:
    case TokenKind::kReal: {
      next();
      Expression* expression = make(ExpressionKind::kConstant, token.line);
      expression->value = token.kind == TokenKind::kReal ? Value::of(token.real) : Value::of(token.integer);
      return expression;
    }
    default:
      break;
  }
  if (skip_operator("(")) {
    const Expression* inside = parse_tuple(true, true);
    expect_operator(")");
    return inside;
  }
  if (token.is_operator("[")) return parse_list();
  if (token.is_operator("{")) return parse_dict();
  fail(fmt::format("unexpected '{}'", describe(token)));
}

const Expression* Parser::parse_name() {
  const Token& token = next();
  const std::string_view name = token.text;
  Expression* expression = make(ExpressionKind::kConstant, token.line);
  if (name == "true" || name == "True")
    expression->value = Value::of(true);
  else if (name == "false" || name == "False")
    expression->value = Value::of(false);
  else if (name == "none" || name == "None")
    expression->value = Value::none();
  else {
    expression->kind = ExpressionKind::kVariable;
    expression->name = name;
    expression->symbol = symbol(name);
    expression->value = new_string(heap_, name);
    for (MacroSyntax* macro : macros_) {
      macro->uses_caller |= expression->symbol == kSymbolCaller;
      macro->uses_named |= expression->symbol == kSymbolKwargs;
      macro->uses_rest |= expression->symbol == kSymbolVarargs;
    }
  }
  return expression;
}

const Expression* Parser::parse_string() {
  Expression* expression = make(ExpressionKind::kConstant, current().line);
  std::string text;
  while (current().kind == TokenKind::kString) text += next().text;
  expression->value = new_string(heap_, text);
  return expression;
}

const Expression* Parser::parse_list() {
  const int line = next().line;
  std::vector<const Expression*> items;
  while (!current().is_operator("]")) {
    if (!items.empty()) expect_operator(",");
    if (current().is_operator("]")) break;
    items.push_back(parse_expression());
  }
  next();
  return make(ExpressionKind::kList, line, items);
}

const Expression* Parser::parse_dict() {
  const int line = next().line;
  std::vector<const Expression*> items;
  while (!current().is_operator("}")) {
    if (!items.empty()) expect_operator(",");
    if (current().is_operator("}")) break;
    items.push_back(parse_expression());
    expect_operator(":");
    items.push_back(parse_expression());
  }
  next();
  return make(ExpressionKind::kDict, line, items);
}

const Expression* Parser::parse_postfix(const Expression* expression) {
  while (true) {
    if (current().is_operator(".") || current().is_operator("["))
      expression = parse_subscript(expression);
    else if (current().is_operator("("))
      expression = parse_call(expression);
    else
      return expression;
  }
}

const Expression* Parser::parse_subscript(const Expression* expression) {
  const Token& token = next();
  if (token.text == ".") {
    const Token& name = next();
    if (name.kind == TokenKind::kName) {
      Expression* attribute = make(ExpressionKind::kAttribute, token.line, {expression});
      attribute->name = name.text;
      attribute->value = new_string(heap_, name.text);
      return attribute;
    }
    if (name.kind != TokenKind::kInteger) fail("expected name or number");
    Expression* index = make(ExpressionKind::kConstant, name.line);
    index->value = Value::of(name.integer);
    return make(ExpressionKind::kItem, token.line, {expression, index});
  }
  const Expression* parts[3] = {nullptr, nullptr, nullptr};
  std::vector<const Expression*> indices;
  int colons = 0;
  while (!current().is_operator("]")) {
    if (!indices.empty()) expect_operator(",");
    const Expression* part = current().is_operator(":") ? nullptr : parse_expression();
    indices.push_back(part);
    parts[0] = part;
    while (current().is_operator(":") && colons < 2) {
      next();
      ++colons;
      const bool is_empty =
          current().is_operator(":") || current().is_operator("]") || current().is_operator(",");
      parts[colons] = is_empty ? nullptr : parse_expression();
    }
    if (colons > 0 && !current().is_operator("]")) fail("a slice cannot be part of a tuple");
  }
  next();
  if (colons > 0) {
    if (indices.size() != 1) fail("a slice cannot be part of a tuple");
    return make(ExpressionKind::kSlice, token.line, {expression, parts[0], parts[1], parts[2]});
  }
  const Expression* index =
      indices.size() == 1 ? indices[0] : make(ExpressionKind::kTuple, token.line, indices);
  return make(ExpressionKind::kItem, token.line, {expression, index});
}

const CallArguments* Parser::parse_arguments() {
  CallArguments* arguments = heap_.make<CallArguments>();
  std::vector<const Expression*> positional;
  std::vector<NamedExpression> named;
  const auto ensure = [&](bool is_valid) {
    if (!is_valid) fail("invalid syntax for function call expression");
  };
  expect_operator("(");
  for (bool first = true; !current().is_operator(")"); first = false) {
    if (!first) {
      expect_operator(",");
      if (current().is_operator(")")) break;
    }
    if (skip_operator("*")) {
      ensure(arguments->star == nullptr && arguments->double_star == nullptr);
      arguments->star = parse_expression();
    } else if (skip_operator("**")) {
      ensure(arguments->double_star == nullptr);
      arguments->double_star = parse_expression();
    } else if (current().kind == TokenKind::kName && look().is_operator("=")) {
      ensure(arguments->double_star == nullptr);
      const std::string_view name = next().text;
      next();
      ensure(std::ranges::find(named, name, &NamedExpression::name) == named.end());
      named.push_back({name, parse_expression()});
    } else {
      ensure(arguments->star == nullptr && arguments->double_star == nullptr && named.empty());
      positional.push_back(parse_expression());
    }
  }
  next();
  arguments->positional = heap_.copy(std::span<const Expression* const>(positional));
  arguments->named = heap_.copy(std::span<const NamedExpression>(named));
  return arguments;
}

const Expression* Parser::parse_call(const Expression* expression) {
  Expression* call = make(ExpressionKind::kCall, current().line, {expression});
  call->arguments = parse_arguments();
  return call;
}

// A chain of filters; without an expression it applies to what a block collects.
const Expression* Parser::parse_filters(const Expression* expression, bool starts_inline) {
  while (starts_inline || skip_operator("|")) {
    starts_inline = false;
    Expression* filter = make(ExpressionKind::kFilter, current().line, {expression});
    filter->name = expect_name();
    if (current().is_operator(".")) fail("No filter with a dot in its name");
    filter->filter = find_filter(filter->name);
    if (filter->filter == nullptr) note_unknown("filter", filter->name);
    filter->arguments = current().is_operator("(") ? parse_arguments() : heap_.make<CallArguments>();
    expression = filter;
  }
  return expression;
}

const Expression* Parser::parse_filters_and_tests(const Expression* expression) {
  while (true) {
    if (current().is_operator("|"))
      expression = parse_filters(expression);
    else if (current().is_name("is"))
      expression = parse_test(expression);
    else if (current().is_operator("("))
      expression = parse_call(expression);
    else
      return expression;
  }
}

const Expression* Parser::parse_test(const Expression* expression) {
  const int line = next().line;
  const bool negated = skip_name("not");
  Expression* test = make(ExpressionKind::kTest, line, {expression});
  test->name = expect_name();
  test->test = find_test(test->name);
  if (test->test == nullptr) note_unknown("test", test->name);
  const Token& token = current();
  const bool is_literal = token.kind == TokenKind::kString || token.kind == TokenKind::kInteger ||
                          token.kind == TokenKind::kReal || token.is_operator("[") || token.is_operator("{");
  const bool is_name =
      token.kind == TokenKind::kName && token.text != "else" && token.text != "or" && token.text != "and";
  if (token.is_operator("(")) {
    test->arguments = parse_arguments();
  } else {
    CallArguments* arguments = heap_.make<CallArguments>();
    if (is_literal || is_name) {
      if (token.is_name("is")) fail("You cannot chain multiple tests with is");
      const Expression* argument = parse_postfix(parse_primary());
      arguments->positional = heap_.copy(std::span<const Expression* const>(&argument, 1));
    }
    test->arguments = arguments;
  }
  return negated ? make(ExpressionKind::kNot, line, {test}) : test;
}

}  // namespace aloud::jinja
