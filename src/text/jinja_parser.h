// From tokens to the syntax tree, by recursive descent with bounded depth.
#pragma once

#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_lexer.h"
#include "text/jinja_syntax.h"

namespace aloud::jinja {

// Sets a variable for as long as it lives.
template <class T>
class Restore {
 public:
  Restore(T& variable, T value) : variable_(variable), before_(variable) { variable_ = value; }
  ~Restore() { variable_ = before_; }
  Restore(const Restore&) = delete;
  Restore& operator=(const Restore&) = delete;

 private:
  T& variable_;
  T before_;
};

// Parses one template and is then spent. Every function throws JinjaError.
class Parser {
 public:
  Parser(std::string_view source, Heap& heap);
  Syntax run();

 private:
  // Tokens.
  const Token& current() const { return tokens_[at_]; }
  const Token& look() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  const Token& next();
  bool skip_name(std::string_view name);
  bool skip_operator(std::string_view characters);
  void expect_operator(std::string_view characters);
  std::string_view expect_name();
  void expect(TokenKind kind, std::string_view what);
  [[noreturn]] void fail(std::string message) const;
  int symbol(std::string_view name);

  // Statements: each begins at the tag's name and ends before "%}".
  Statement* make_statement(StatementKind kind, int line);
  Statement* make_scope(StatementKind kind, int line);
  Block parse_body(std::span<const std::string_view> ends);
  Block parse_block(std::initializer_list<std::string_view> ends);
  Block parse_scope(std::string_view end);
  void parse_statement(std::vector<const Statement*>& body);
  void parse_print(std::vector<const Statement*>& body);
  const Statement* parse_for();
  const Statement* parse_if();
  const Statement* parse_set();
  const Statement* parse_with();
  const Statement* parse_macro();
  const Statement* parse_call_block();
  const Statement* parse_filter_block();
  const Statement* parse_named_block();
  const Statement* parse_generation();
  const Statement* parse_autoescape();
  const Statement* parse_loop_control();
  const Statement* parse_unsupported();
  std::span<const Parameter> parse_signature();
  void parse_macro_body(MacroSyntax& macro, std::string_view end);
  Target* parse_single_target(bool allows_attribute);
  Target* parse_target(bool allows_attribute = false, bool in_parentheses = false);

  // Expressions, loosest binding first.
  Expression* make(ExpressionKind kind, int line, std::initializer_list<const Expression*> operands = {});
  Expression* make(ExpressionKind kind, int line, std::span<const Expression* const> operands);
  const Expression* parse_tuple(bool with_condition = true, bool in_parentheses = false);
  const Expression* parse_expression(bool with_condition = true);
  const Expression* parse_or();
  const Expression* parse_and();
  const Expression* parse_not();
  const Expression* parse_compare();
  const Expression* parse_sum();
  const Expression* parse_concatenation();
  const Expression* parse_product();
  const Expression* parse_power();
  const Expression* parse_unary(bool with_filters = true);
  const Expression* parse_primary();
  const Expression* parse_name();
  const Expression* parse_string();
  const Expression* parse_list();
  const Expression* parse_dict();
  const Expression* parse_postfix(const Expression* expression);
  const Expression* parse_subscript(const Expression* expression);
  const Expression* parse_filters(const Expression* expression, bool starts_inline = false);
  const Expression* parse_filters_and_tests(const Expression* expression);
  const Expression* parse_test(const Expression* expression);
  const Expression* parse_call(const Expression* expression);
  const CallArguments* parse_arguments();
  Expression* make_binary(Operator operation, const Expression* left, const Expression* right, int line);

  Heap& heap_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::map<std::string_view, int> symbols_;
  std::vector<MacroSyntax*> macros_;  // those being parsed, outermost first
  int loops_ = 0;                     // loops that break and continue could leave
  int loop_tags_ = 0;                 // for tags around here, also outside macros
  // Filters and tests that do not exist are an error, except inside "if" in its two forms: there only their
  // use is.
  void note_unknown(std::string_view what, std::string_view name);
  bool lenient_ = false;
  std::vector<JinjaError> unknown_;
};

}  // namespace aloud::jinja
