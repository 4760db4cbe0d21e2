// Reading the text of a pattern or a grammar: one character at a time, with errors that tell the place.
#pragma once

#include <optional>
#include <string_view>

#include "base/hex_digit.h"
#include "base/printable.h"
#include "base/result.h"
#include "base/utf8.h"

namespace aloud {

// How deep groups may lie in groups.
inline constexpr int kMostGroups = 64;
// How often a part may be repeated by a count.
inline constexpr std::int64_t kMostRepetitions = 100'000;

// Views the text, which must be valid UTF-8.
class GrammarReader {
 public:
  explicit GrammarReader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  std::size_t place() const { return at_; }
  void go_back(std::size_t place) { at_ = place; }
  // The next character, or 0 at the end.
  char32_t peek() const { return at_end() ? 0 : decode_utf8(text_.substr(at_)).value; }
  char32_t take() {
    const CodePoint point = decode_utf8(text_.substr(at_));
    at_ += point.length;
    return point.value;
  }
  bool skip(std::string_view expected) {
    if (!text_.substr(at_).starts_with(expected)) return false;
    at_ += expected.size();
    return true;
  }

  // A decimal number of at most kMostRepetitions. Errors: it is larger. Absent: no digit is next.
  Result<std::optional<std::int64_t>> number() {
    if (!is_digit(peek())) return std::nullopt;
    std::int64_t value = 0;
    while (is_digit(peek())) {
      value = value * 10 + static_cast<std::int64_t>(take() - U'0');
      if (value > kMostRepetitions) return error("more than {} repetitions", kMostRepetitions);
    }
    return value;
  }

  // Exactly this many hexadecimal digits, or nothing is read.
  std::optional<char32_t> hexadecimal(int digits) {
    const std::size_t begin = at_;
    char32_t value = 0;
    for (int i = 0; i < digits; ++i) {
      const int digit = hex_digit(peek());
      if (digit < 0) {
        at_ = begin;
        return {};
      }
      value = value * 16 + static_cast<char32_t>(digit);
      take();
    }
    return value;
  }

  template <class... Arguments>
  tl::unexpected<Error> error(fmt::format_string<Arguments...> format, Arguments&&... arguments) const {
    return fail("at byte {}: {}", at_, fmt::format(format, std::forward<Arguments>(arguments)...));
  }

  static bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
  static bool is_letter(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace aloud
