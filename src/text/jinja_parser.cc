// The parser: statements. Expressions are parsed in jinja_expression_parser.cc.
#include "text/jinja_parser.h"

#include <algorithm>
#include <array>

namespace aloud::jinja {

Parser::Parser(std::string_view source, Heap& heap) : heap_(heap), tokens_(tokenize(source, heap)) {
  for (const std::string_view name : {"loop", "caller", "kwargs", "varargs"}) symbol(name);
}

Syntax Parser::run() {
  Syntax syntax;
  syntax.body = parse_body({});
  if (!unknown_.empty()) throw unknown_[0];
  syntax.symbols.resize(symbols_.size());
  for (const auto& [name, number] : symbols_) syntax.symbols[static_cast<std::size_t>(number)] = name;
  return syntax;
}

void Parser::fail(std::string message) const { throw JinjaError{std::move(message), current().line}; }

const Token& Parser::next() {
  const Token& token = tokens_[at_];
  if (at_ + 1 < tokens_.size()) ++at_;
  return token;
}

bool Parser::skip_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  next();
  return true;
}

bool Parser::skip_operator(std::string_view characters) {
  if (!current().is_operator(characters)) return false;
  next();
  return true;
}

void Parser::expect_operator(std::string_view characters) {
  if (!skip_operator(characters))
    fail(fmt::format("expected token '{}', got '{}'", characters, describe(current())));
}

std::string_view Parser::expect_name() {
  if (current().kind != TokenKind::kName) fail(fmt::format("expected a name, got '{}'", describe(current())));
  return next().text;
}

void Parser::expect(TokenKind kind, std::string_view what) {
  if (current().kind != kind) fail(fmt::format("expected {}, got '{}'", what, describe(current())));
  next();
}

int Parser::symbol(std::string_view name) {
  return symbols_.try_emplace(name, static_cast<int>(symbols_.size())).first->second;
}

Statement* Parser::make_scope(StatementKind kind, int line) {
  Statement* statement = make_statement(kind, line);
  statement->frame = heap_.make<FrameSyntax>();
  return statement;
}

Statement* Parser::make_statement(StatementKind kind, int line) {
  Statement* statement = heap_.make<Statement>();
  statement->kind = kind;
  statement->line = line;
  return statement;
}

// Up to one of the tags in ends, whose name is then the current token; to the end of the template when ends
// is empty.
Block Parser::parse_body(std::span<const std::string_view> ends) {
  const Deeper deeper(heap_, Deeper::kLevelsInParser);
  std::vector<const Statement*> body;
  for (;;) {
    const Token& token = current();
    if (token.kind == TokenKind::kText) {
      Statement* statement = make_statement(StatementKind::kText, token.line);
      statement->text = token.text;
      body.push_back(statement);
      next();
    } else if (token.kind == TokenKind::kOutputBegin) {
      next();
      Statement* statement = make_statement(StatementKind::kOutput, token.line);
      statement->expression = parse_tuple();
      body.push_back(statement);
      expect(TokenKind::kOutputEnd, "'}}'");
    } else if (token.kind == TokenKind::kBlockBegin) {
      next();
      const bool is_end =
          std::ranges::any_of(ends, [&](std::string_view end) { return current().is_name(end); });
      if (is_end) return heap_.copy(std::span<const Statement* const>(body));
      parse_statement(body);
      expect(TokenKind::kBlockEnd, "'%}'");
    } else if (!ends.empty()) {
      fail(fmt::format("unexpected end of template, expected '{}'", ends.back()));
    } else {
      return heap_.copy(std::span<const Statement* const>(body));
    }
  }
}

Block Parser::parse_block(std::initializer_list<std::string_view> ends) {
  skip_operator(":");
  expect(TokenKind::kBlockEnd, "'%}'");
  return parse_body(std::span<const std::string_view>(ends.begin(), ends.size()));
}

// A block in a scope of its own, up to its end tag.
Block Parser::parse_scope(std::string_view end) {
  const Restore<bool> lenient(lenient_, false);
  const Block body = parse_block({end});
  next();
  return body;
}

void Parser::parse_statement(std::vector<const Statement*>& body) {
  struct Tag {
    std::string_view name;
    const Statement* (Parser::*parse)();
  };
  static constexpr std::array<Tag, 16> kTags = {{
      {"for", &Parser::parse_for},
      {"if", &Parser::parse_if},
      {"set", &Parser::parse_set},
      {"macro", &Parser::parse_macro},
      {"call", &Parser::parse_call_block},
      {"filter", &Parser::parse_filter_block},
      {"with", &Parser::parse_with},
      {"block", &Parser::parse_named_block},
      {"break", &Parser::parse_loop_control},
      {"continue", &Parser::parse_loop_control},
      {"generation", &Parser::parse_generation},
      {"autoescape", &Parser::parse_autoescape},
      {"include", &Parser::parse_unsupported},
      {"import", &Parser::parse_unsupported},
      {"from", &Parser::parse_unsupported},
      {"extends", &Parser::parse_unsupported},
  }};
  if (current().kind != TokenKind::kName) fail("tag name expected");
  if (current().is_name("print")) return parse_print(body);
  const auto* tag = std::ranges::find(kTags, current().text, &Tag::name);
  if (tag == kTags.end()) fail(fmt::format("unknown tag '{}'", describe(current())));
  body.push_back((this->*tag->parse)());
}

void Parser::parse_print(std::vector<const Statement*>& body) {
  const int line = next().line;
  for (bool first = true; current().kind != TokenKind::kBlockEnd; first = false) {
    if (!first) expect_operator(",");
    Statement* statement = make_statement(StatementKind::kOutput, line);
    statement->expression = parse_expression();
    body.push_back(statement);
  }
}

const Statement* Parser::parse_for() {
  Statement* statement = make_scope(StatementKind::kFor, next().line);
  statement->otherwise_frame = heap_.make<FrameSyntax>();
  const int loops_outside = loops_;
  ++loop_tags_;
  statement->target = parse_target();
  if (!skip_name("in")) fail(fmt::format("expected token 'in', got '{}'", describe(current())));
  statement->expression = parse_tuple(false);
  if (skip_name("if")) statement->condition = parse_expression();
  statement->flag = skip_name("recursive");
  const Restore<bool> lenient(lenient_, false);
  loops_ = statement->flag ? 1 : loops_ + 1;
  statement->body = parse_block({"else", "endfor"});
  loops_ = statement->flag ? 0 : loops_outside;
  if (next().text == "else") {
    statement->otherwise = parse_block({"endfor"});
    next();
  }
  loops_ = loops_outside;
  --loop_tags_;
  return statement;
}

const Statement* Parser::parse_if() {
  Statement* statement = make_statement(StatementKind::kIf, current().line);
  const Restore<bool> lenient(lenient_, true);
  std::vector<Branch> branches;
  while (true) {
    const std::string_view tag = next().text;
    if (tag == "endif") break;
    if (tag == "else") {
      branches.push_back({nullptr, parse_block({"endif"})});
      continue;
    }
    const Expression* condition = parse_tuple(false);
    branches.push_back({condition, parse_block({"elif", "else", "endif"})});
  }
  statement->branches = heap_.copy(std::span<const Branch>(branches));
  return statement;
}

const Statement* Parser::parse_set() {
  Statement* statement = make_statement(StatementKind::kSet, next().line);
  statement->target = parse_target(true);
  if (skip_operator("=")) {
    statement->expression = parse_tuple();
    return statement;
  }
  statement->kind = StatementKind::kSetBlock;
  statement->frame = heap_.make<FrameSyntax>();
  if (current().is_operator("|")) statement->expression = parse_filters(nullptr);
  statement->body = parse_scope("endset");
  return statement;
}

const Statement* Parser::parse_with() {
  Statement* statement = make_scope(StatementKind::kWith, next().line);
  std::vector<Assignment> assignments;
  while (current().kind != TokenKind::kBlockEnd) {
    if (!assignments.empty()) expect_operator(",");
    const Target* target = parse_target();
    expect_operator("=");
    assignments.push_back({target, parse_expression()});
  }
  statement->assignments = heap_.copy(std::span<const Assignment>(assignments));
  statement->body = parse_scope("endwith");
  return statement;
}

std::span<const Parameter> Parser::parse_signature() {
  std::vector<Parameter> parameters;
  expect_operator("(");
  while (!current().is_operator(")")) {
    if (!parameters.empty()) expect_operator(",");
    const std::string_view name = expect_name();
    Parameter parameter{symbol(name), name, nullptr};
    if (skip_operator("="))
      parameter.standard = parse_expression();
    else if (!parameters.empty() && parameters.back().standard != nullptr) {
      fail("non-default argument follows default argument");
    }
    parameters.push_back(parameter);
  }
  next();
  return heap_.copy(std::span<const Parameter>(parameters));
}

// The body of a macro or call; the special names it mentions are seen by every macro around it too.
void Parser::parse_macro_body(MacroSyntax& macro, std::string_view end) {
  const Restore<int> loops(loops_, 0);
  macro.frame = heap_.make<FrameSyntax>();
  macros_.push_back(&macro);
  macro.body = parse_scope(end);
  macros_.pop_back();
  for (const Parameter& parameter : macro.parameters) {
    if (parameter.symbol == kSymbolKwargs) macro.uses_named = false;
    if (parameter.symbol == kSymbolVarargs) macro.uses_rest = false;
    if (parameter.symbol == kSymbolCaller && macro.uses_caller && parameter.standard == nullptr) {
      fail("the special \"caller\" argument must be omitted or be given a default");
    }
  }
}

const Statement* Parser::parse_macro() {
  Statement* statement = make_statement(StatementKind::kMacro, next().line);
  MacroSyntax* macro = heap_.make<MacroSyntax>();
  Target* target = heap_.make<Target>();
  target->line = statement->line;
  target->name = macro->name = expect_name();
  target->symbol = symbol(macro->name);
  macro->parameters = parse_signature();
  parse_macro_body(*macro, "endmacro");
  statement->macro = macro;
  statement->target = target;
  return statement;
}

const Statement* Parser::parse_call_block() {
  Statement* statement = make_statement(StatementKind::kCall, next().line);
  MacroSyntax* macro = heap_.make<MacroSyntax>();
  macro->name = "caller";
  if (current().is_operator("(")) macro->parameters = parse_signature();
  statement->expression = parse_expression();
  if (statement->expression->kind != ExpressionKind::kCall) fail("expected call");
  parse_macro_body(*macro, "endcall");
  statement->macro = macro;
  return statement;
}

const Statement* Parser::parse_filter_block() {
  Statement* statement = make_scope(StatementKind::kFilterBlock, next().line);
  statement->expression = parse_filters(nullptr, true);
  statement->body = parse_scope("endfilter");
  return statement;
}

const Statement* Parser::parse_named_block() {
  Statement* statement = make_scope(StatementKind::kNamedBlock, next().line);
  const std::string_view name = expect_name();
  statement->flag = skip_name("scoped");
  skip_name("required");
  const Restore<int> loops(loops_, 0);
  statement->body = parse_scope("endblock");
  skip_name(name);
  return statement;
}

const Statement* Parser::parse_generation() {
  Statement* statement = make_scope(StatementKind::kScope, next().line);
  const Restore<int> loops(loops_, 0);
  statement->body = parse_scope("endgeneration");
  return statement;
}

const Statement* Parser::parse_autoescape() {
  Statement* statement = make_scope(StatementKind::kScope, next().line);
  parse_expression();
  statement->body = parse_scope("endautoescape");
  return statement;
}

const Statement* Parser::parse_loop_control() {
  const Token& token = next();
  if (loops_ == 0) fail(fmt::format("'{}' outside loop", token.text));
  return make_statement(token.text == "break" ? StatementKind::kBreak : StatementKind::kContinue, token.line);
}

const Statement* Parser::parse_unsupported() {
  const Token& token = next();
  Statement* statement = make_statement(StatementKind::kUnsupported, token.line);
  statement->text = token.text;
  while (current().kind != TokenKind::kBlockEnd && current().kind != TokenKind::kEnd) next();
  return statement;
}

Target* Parser::parse_single_target(bool allows_attribute) {
  Target* target = heap_.make<Target>();
  target->line = current().line;
  if (skip_operator("(")) {
    Target* inside = parse_target(false, true);
    expect_operator(")");
    return inside;
  }
  target->name = expect_name();
  constexpr std::array<std::string_view, 6> kReserved = {"true", "false", "none", "True", "False", "None"};
  if (std::ranges::find(kReserved, target->name) != kReserved.end()) fail("can't assign to 'const'");
  target->symbol = symbol(target->name);
  if (allows_attribute && skip_operator(".")) target->attribute = expect_name();
  if (target->symbol == kSymbolLoop && loop_tags_ > 0 && target->attribute.empty()) {
    fail("Can't assign to special loop variable in for-loop target");
  }
  return target;
}

Target* Parser::parse_target(bool allows_attribute, bool in_parentheses) {
  const Deeper deeper(heap_, Deeper::kLevelsInParser);
  std::vector<const Target*> parts;
  bool is_tuple = false;
  Target* last = nullptr;
  while (true) {
    if (!parts.empty()) expect_operator(",");
    if (current().kind == TokenKind::kBlockEnd || current().is_operator(")")) break;
    last = parse_single_target(allows_attribute);
    parts.push_back(last);
    if (!current().is_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && last != nullptr) return last;
  if (!is_tuple && !in_parentheses)
    fail(fmt::format("Expected an expression, got '{}'", describe(current())));
  Target* target = heap_.make<Target>();
  target->line = current().line;
  target->is_tuple = true;
  target->parts = heap_.copy(std::span<const Target* const>(parts));
  return target;
}

Syntax parse_template(std::string_view source, Heap& heap) {
  Syntax syntax = Parser(source, heap).run();
  analyze_scopes(syntax, heap);
  return syntax;
}

}  // namespace aloud::jinja
