// The lexer: trim_blocks and lstrip_blocks are on, as chat templates expect.
#include "text/jinja_lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/utf8.h"
#include "text/jinja_text.h"
#include "text/jinja_unicode.h"

namespace aloud::jinja {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  Lexer(std::string_view source, Heap& heap) : source_(source), heap_(heap) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) lex_root();
    push(TokenKind::kEnd, {});
    return std::move(tokens_);
  }

 private:
  bool starts_with(std::string_view text) const { return source_.substr(at_).starts_with(text); }

  [[noreturn]] void fail(std::string message) const { throw JinjaError{std::move(message), line_}; }

  Token& push(TokenKind kind, std::string_view text) {
    Token token;
    token.kind = kind;
    token.line = line_;
    token.text = text;
    tokens_.push_back(token);
    return tokens_.back();
  }

  void advance(std::size_t bytes) {
    line_ += static_cast<int>(std::count(source_.begin() + at_, source_.begin() + at_ + bytes, '\n'));
    at_ += bytes;
  }

  // Length of the whitespace that begins at a byte.
  std::size_t space_length(std::size_t from) const {
    std::size_t end = from;
    while (end < source_.size()) {
      const CodePoint point = decode_utf8(source_.substr(end));
      if (!point.valid || !is_space(point.value)) break;
      end += point.length;
    }
    return end - from;
  }

  static std::string_view strip_right(std::string_view text) {
    while (!text.empty()) {
      std::size_t last = text.size() - 1;
      while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xC0) == 0x80) --last;
      const CodePoint point = decode_utf8(text.substr(last));
      if (!point.valid || last + point.length != text.size() || !is_space(point.value)) break;
      text = text.substr(0, last);
    }
    return text;
  }

  // The text before a tag, without the whitespace that the tag takes away.
  void push_text(std::string_view text, char sign, bool is_output) {
    const int line = line_;
    if (sign == '-') {
      text = strip_right(text);
    } else if (sign != '+' && !is_output) {
      const std::size_t line_begin = text.rfind('\n') == npos ? 0 : text.rfind('\n') + 1;
      const std::string_view indent = text.substr(line_begin);
      if ((line_begin > 0 || line_starting_) && strip_right(indent).empty())
        text = text.substr(0, line_begin);
    }
    if (!text.empty()) push(TokenKind::kText, text).line = line;
  }

  void lex_root() {
    std::size_t tag = at_;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == npos || tag + 1 >= source_.size()) {
        push_text(source_.substr(at_), '+', false);
        advance(source_.size() - at_);
        return;
      }
      const char next = source_[tag + 1];
      if (next == '%' || next == '{' || next == '#') break;
    }
    const char type = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    push_text(source_.substr(at_, tag - at_), sign, type == '{');
    advance(tag - at_);
    line_starting_ = false;
    if (type == '%' && lex_raw()) return;
    advance(sign == '-' || sign == '+' ? 3 : 2);
    if (type == '#') {
      lex_comment();
    } else {
      lex_tag(type == '%');
    }
  }

  // {% raw %} ... {% endraw %}; false when the tag is another.
  bool lex_raw() {
    std::size_t end = at_ + 2;
    if (end < source_.size() && (source_[end] == '-' || source_[end] == '+')) ++end;
    end += space_length(end);
    if (!source_.substr(end).starts_with("raw")) return false;
    end += 3;
    end += space_length(end);
    if (source_.substr(end).starts_with("-%}")) {
      end += 3;
      end += space_length(end);
    } else if (source_.substr(end).starts_with("%}")) {
      end += 2;
    } else {
      return false;
    }
    advance(end - at_);
    line_starting_ = source_[at_ - 1] == '\n';
    for (std::size_t tag = at_; (tag = source_.find("{%", tag)) != npos; ++tag) {
      std::size_t close = tag + 2;
      const char sign = close < source_.size() ? source_[close] : '\0';
      if (sign == '-' || sign == '+') ++close;
      close += space_length(close);
      if (!source_.substr(close).starts_with("endraw")) continue;
      close += 6;
      close += space_length(close);
      const std::size_t length = end_length(close, "%}", true);
      if (length == 0) continue;
      push_text(source_.substr(at_, tag - at_), sign, false);
      advance(close + length - at_);
      line_starting_ = source_[at_ - 1] == '\n';
      return true;
    }
    if (at_ < source_.size()) fail("Missing end of raw directive");
    return true;
  }

  void lex_comment() {
    const std::size_t close = source_.find("#}", at_);
    if (close == npos) {
      if (at_ < source_.size()) fail("Missing end of comment tag");
      return;
    }
    const char sign = close > at_ ? source_[close - 1] : '\0';
    std::size_t end = close + 2;
    if (sign == '-')
      end += space_length(end);
    else if (sign != '+' && end < source_.size() && source_[end] == '\n')
      ++end;
    advance(end - at_);
    line_starting_ = source_[at_ - 1] == '\n';
  }

  // Length of the end of a tag at a byte, with the whitespace it takes away; 0 when there is none.
  std::size_t end_length(std::size_t from, std::string_view end, bool trims) const {
    const std::string_view rest = source_.substr(from);
    if (trims && rest.starts_with('+') && rest.substr(1).starts_with(end)) return 1 + end.size();
    if (rest.starts_with('-') && rest.substr(1).starts_with(end)) {
      return 1 + end.size() + space_length(from + 1 + end.size());
    }
    if (!rest.starts_with(end)) return 0;
    return end.size() + (trims && rest.substr(end.size()).starts_with('\n') ? 1 : 0);
  }

  void lex_tag(bool is_block) {
    push(is_block ? TokenKind::kBlockBegin : TokenKind::kOutputBegin, is_block ? "{%" : "{{");
    std::string open;  // the closing brackets that are due
    while (at_ < source_.size()) {
      if (open.empty()) {
        if (const std::size_t length = end_length(at_, is_block ? "%}" : "}}", is_block); length > 0) {
          push(is_block ? TokenKind::kBlockEnd : TokenKind::kOutputEnd, is_block ? "%}" : "}}");
          advance(length);
          line_starting_ = source_[at_ - 1] == '\n';
          return;
        }
      }
      if (const std::size_t length = space_length(at_); length > 0) {
        advance(length);
      } else {
        lex_token(open);
      }
    }
    // The parser says what is missing.
  }

  void lex_token(std::string& open) {
    const char c = source_[at_];
    if (is_digit(c)) return lex_number();
    if (c == '"' || c == '\'') return lex_string();
    const CodePoint point = decode_utf8(source_.substr(at_));
    if (c == '_' || (point.valid && (classes_of(point.value) & kAlpha) != 0)) return lex_name();
    constexpr std::array<std::string_view, 26> kOperators = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
        "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    for (const std::string_view characters : kOperators) {
      if (!starts_with(characters)) continue;
      if (c == '{' || c == '(' || c == '[') {
        open.push_back(c == '{' ? '}' : c == '(' ? ')' : ']');
      } else if (c == '}' || c == ')' || c == ']') {
        if (open.empty()) fail(fmt::format("unexpected '{}'", c));
        if (open.back() != c) fail(fmt::format("unexpected '{}', expected '{}'", c, open.back()));
        open.pop_back();
      }
      push(TokenKind::kOperator, characters);
      return advance(characters.size());
    }
    std::string shown;
    append_utf8(point.value, shown);
    fail(fmt::format("unexpected char '{}' at {}", shown, at_));
  }

  void lex_name() {
    std::size_t end = at_;
    while (end < source_.size()) {
      const CodePoint point = decode_utf8(source_.substr(end));
      if (!point.valid || (point.value != '_' && (classes_of(point.value) & (kAlpha | kNumeric)) == 0)) break;
      end += point.length;
    }
    push(TokenKind::kName, source_.substr(at_, end - at_));
    advance(end - at_);
  }

  // Digits with single underscores between them, from a byte on; 0 when there are none.
  template <class IsDigit>
  std::size_t digits_length(std::size_t from, IsDigit accept, std::string& digits) const {
    std::size_t end = from;
    while (end < source_.size()) {
      if (accept(source_[end])) {
        digits.push_back(source_[end++]);
      } else if (source_[end] == '_' && end > from && end + 1 < source_.size() && accept(source_[end + 1])) {
        ++end;
      } else {
        break;
      }
    }
    return end - from;
  }

  void lex_number() {
    std::string digits;
    int base = 10;
    std::size_t end = at_;
    const char marker = at_ + 1 < source_.size() ? static_cast<char>(source_[at_ + 1] | 0x20) : '\0';
    if (source_[at_] == '0' && (marker == 'x' || marker == 'o' || marker == 'b')) {
      base = marker == 'x' ? 16 : marker == 'o' ? 8 : 2;
      const auto accept = [base](char c) {
        if (base == 16 && ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')) return true;
        return c >= '0' && c < '0' + std::min(base, 10);
      };
      std::size_t from = at_ + 2;
      if (from < source_.size() && source_[from] == '_') ++from;
      const std::size_t length = digits_length(from, accept, digits);
      end = from + length;
      if (length == 0) base = 10, digits.clear();
    }
    if (base == 10) {
      end = at_ + digits_length(at_, is_digit, digits);
      const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
      if (const std::size_t length = fraction_length(end, digits); length > 0 && !after_dot) {
        Token& token = push(TokenKind::kReal, source_.substr(at_, end + length - at_));
        // Too large or too small for a double: as strtod has it, infinity or zero.
        token.real = std::strtod(digits.c_str(), nullptr);
        return advance(end + length - at_);
      }
      const std::size_t nonzero = digits.find_first_not_of('0');
      if (digits[0] == '0' && nonzero != npos) digits = "0", end = at_ + 1;  // 012: Jinja sees 0 and 12
    }
    Token& token = push(TokenKind::kInteger, source_.substr(at_, end - at_));
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), token.integer, base);
    if (result.ec != std::errc{}) fail("an integer literal does not fit into 64 bits");
    advance(end - at_);
  }

  // What makes a number real: ".5", "e3", ".5e-3"; appends it to digits only when it is there.
  std::size_t fraction_length(std::size_t from, std::string& digits) const {
    std::string fraction;
    std::size_t end = from;
    if (end < source_.size() && source_[end] == '.') {
      fraction = ".";
      const std::size_t length = digits_length(end + 1, is_digit, fraction);
      if (length == 0) return 0;
      end += 1 + length;
    }
    if (end < source_.size() && (source_[end] | 0x20) == 'e') {
      std::string exponent = "e";
      std::size_t after = end + 1;
      if (after < source_.size() && (source_[after] == '+' || source_[after] == '-'))
        exponent += source_[after++];
      const std::size_t length = digits_length(after, is_digit, exponent);
      if (length > 0) {
        fraction += exponent;
        end = after + length;
      }
    }
    digits += fraction.substr(0, end == from ? 0 : npos);
    return end - from;
  }

  void lex_string() {
    const char quote = source_[at_];
    std::size_t end = at_ + 1;
    while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
    if (end >= source_.size())
      fail(fmt::format("unexpected char {} at {}: a string without end", quote, at_));
    const std::string_view raw = source_.substr(at_ + 1, end - at_ - 1);
    push(TokenKind::kString, raw.find('\\') == npos ? raw : heap_.copy_text(unescape(raw)));
    advance(end + 1 - at_);
  }

  std::string unescape(std::string_view raw) const {
    constexpr std::string_view kLetters = "abfnrtv\\'\"", kMeanings = "\a\b\f\n\r\t\v\\'\"";
    std::string out;
    for (std::size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '\\' || i + 1 == raw.size()) {
        out.push_back(raw[i]);
        continue;
      }
      const char c = raw[++i];
      if (const std::size_t letter = kLetters.find(c); letter != npos) {
        out.push_back(kMeanings[letter]);
      } else if (c == '\n') {
        continue;
      } else if (c >= '0' && c <= '7') {
        char32_t value = 0;
        std::size_t end = i;
        while (end < raw.size() && end < i + 3 && raw[end] >= '0' && raw[end] <= '7') {
          value = value * 8 + static_cast<char32_t>(raw[end++] - '0');
        }
        append_utf8(value, out);
        i = end - 1;
      } else if (c == 'x' || c == 'u' || c == 'U') {
        const std::size_t length = c == 'x' ? 2 : c == 'u' ? 4 : 8;
        std::uint32_t value = 0;
        const char* begin = raw.data() + i + 1;
        const char* limit = begin + std::min(length, raw.size() - i - 1);
        if (std::from_chars(begin, limit, value, 16).ptr != begin + length) {
          fail(fmt::format("truncated \\{} escape in a string", c));
        }
        append_utf8(value, out);
        i += length;
      } else if (c == 'N') {
        fail("\\N escapes are not supported");
      } else {
        (out += '\\') += c;
      }
    }
    return out;
  }

  std::string_view source_;
  Heap& heap_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // the last tag took a newline with it
};

}  // namespace

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kText:
      return "template data / text";
    case TokenKind::kBlockBegin:
      return "begin of statement block";
    case TokenKind::kBlockEnd:
      return "end of statement block";
    case TokenKind::kOutputBegin:
      return "begin of print statement";
    case TokenKind::kOutputEnd:
      return "end of print statement";
    case TokenKind::kInteger:
      return "integer";
    case TokenKind::kReal:
      return "float";
    case TokenKind::kString:
      return "string";
    case TokenKind::kEnd:
      return "end of template";
    default:
      return std::string(token.text.substr(0, 100));
  }
}

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out.push_back(source[i]);
    } else {
      out.push_back('\n');
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

std::vector<Token> tokenize(std::string_view source, Heap& heap) { return Lexer(source, heap).run(); }

}  // namespace aloud::jinja
