// Cuts a template into text and the tokens of its tags, with Jinja's handling of whitespace around tags.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/jinja_heap.h"

namespace aloud::jinja {

enum class TokenKind : std::uint8_t {
  kText,
  kBlockBegin,
  kBlockEnd,
  kOutputBegin,
  kOutputEnd,
  kName,
  kInteger,
  kReal,
  kString,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int line = 1;
  std::string_view text;  // of strings: the value, of operators: the characters
  std::int64_t integer = 0;
  double real = 0;

  bool is_name(std::string_view name) const { return kind == TokenKind::kName && text == name; }
  bool is_operator(std::string_view characters) const {
    return kind == TokenKind::kOperator && text == characters;
  }
};

// For messages: the token as the template's author knows it.
std::string describe(const Token& token);

// "\r\n" and "\r" become "\n", and one newline at the end goes.
std::string normalize_newlines(std::string_view source);

// Ends with a kEnd token. source is normalized; the tokens point into it and into the heap.
std::vector<Token> tokenize(std::string_view source, Heap& heap);

}  // namespace aloud::jinja
