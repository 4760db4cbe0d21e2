// Parses a regular expression by recursive descent. Anchors become marks that an automaton can see; they are
// worked out at the end.
#include "engine/grammar_regex.h"

#include <utility>

#include "engine/grammar_reader.h"
#include "text/unicode.h"

namespace aloud {

namespace {

CharacterSet digits() { return {{U'0', U'9'}}; }

CharacterSet word_characters() { return {{U'0', U'9'}, {U'A', U'Z'}, {U'_', U'_'}, {U'a', U'z'}}; }

CharacterSet white_space() {
  return {{U'\t', U'\r'},   {U' ', U' '},     {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
          {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
}

CharacterSet line_ends() { return {{U'\n', U'\n'}, {U'\r', U'\r'}, {0x2028, 0x2029}}; }

CharacterSet characters_of_class(UnicodeClasses wanted) {
  std::vector<CharacterRange> ranges;
  for (char32_t c = 0; c <= kLastCharacter; ++c) {
    if ((unicode_classes(c) & wanted) == 0) continue;
    if (!ranges.empty() && ranges.back().last + 1 == c)
      ranges.back().last = c;
    else
      ranges.push_back({c, c});
  }
  return CharacterSet(std::span<const CharacterRange>(ranges));
}

class RegexParser {
 public:
  RegexParser(std::string_view pattern, const CharacterWriter& write) : reader_(pattern), write_(write) {}

  Result<ExpressionPtr> parse() {
    TRY_ASSIGN(ExpressionPtr all, alternatives());
    if (!reader_.at_end()) return reader_.error("\")\" without \"(\"");
    return all;
  }

 private:
  Result<ExpressionPtr> alternatives() {
    if (++depth_ > kMostGroups) return reader_.error("groups lie more than {} deep", kMostGroups);
    std::vector<ExpressionPtr> parts;
    do {
      TRY_ASSIGN(ExpressionPtr part, terms());
      parts.push_back(std::move(part));
    } while (reader_.skip("|"));
    --depth_;
    return choice(std::move(parts));
  }

  Result<ExpressionPtr> terms() {
    std::vector<ExpressionPtr> parts;
    while (!reader_.at_end() && reader_.peek() != U'|' && reader_.peek() != U')') {
      // A second anchor at the same place says nothing new.
      if (reader_.skip("^")) {
        while (reader_.skip("^")) continue;
        parts.push_back(mark(kTextBegin));
      } else if (reader_.skip("$")) {
        while (reader_.skip("$")) continue;
        parts.push_back(mark(kTextEnd));
      } else {
        TRY_ASSIGN(ExpressionPtr part, atom());
        TRY_ASSIGN(part, quantified(std::move(part)));
        parts.push_back(std::move(part));
      }
    }
    return sequence(std::move(parts));
  }

  Result<ExpressionPtr> atom() {
    if (reader_.skip("(")) return group();
    if (reader_.skip("[")) {
      TRY_ASSIGN(const CharacterSet set, character_class());
      return write_(set);
    }
    if (reader_.skip(".")) return write_(line_ends().complement());
    if (reader_.skip("\\")) {
      if (GrammarReader::is_digit(reader_.peek()) && reader_.peek() != U'0')
        return reader_.error("back references are not supported");
      if (reader_.peek() == U'b' || reader_.peek() == U'B')
        return reader_.error("word boundaries (\\b, \\B) are not supported");
      if (reader_.peek() == U'k') return reader_.error("back references are not supported");
      TRY_ASSIGN(const CharacterSet set, escape());
      return write_(set);
    }
    const char32_t c = reader_.peek();
    if (c == U'*' || c == U'+' || c == U'?') return reader_.error("nothing to repeat");
    reader_.take();
    return write_({{c, c}});
  }

  Result<ExpressionPtr> group() {
    if (reader_.skip("?")) {
      if (reader_.skip("<") && reader_.peek() != U'=' && reader_.peek() != U'!') {
        while (!reader_.at_end() && reader_.peek() != U'>') reader_.take();
        if (!reader_.skip(">")) return reader_.error("the name of a group has no end");
      } else if (!reader_.skip(":")) {
        return reader_.error("look-around and flags in groups are not supported");
      }
    }
    TRY_ASSIGN(ExpressionPtr inside, alternatives());
    if (!reader_.skip(")")) return reader_.error("\"(\" without \")\"");
    return inside;
  }

  Result<ExpressionPtr> quantified(ExpressionPtr part) {
    std::int64_t least = 0, most = kUnbounded;
    if (reader_.skip("?")) {
      most = 1;
    } else if (reader_.skip("+")) {
      least = 1;
    } else if (!reader_.skip("*")) {
      TRY_ASSIGN(const bool counted, count(least, most));
      if (!counted) return part;
    }
    reader_.skip("?");  // lazy: the language is the same
    if (most != kUnbounded && least > most) return reader_.error("a repetition of {} to {}", least, most);
    return repeat(std::move(part), least, most);
  }

  // {n}, {n,} or {n,m}; anything else after "{" is no quantifier, and nothing is read.
  Result<bool> count(std::int64_t& least, std::int64_t& most) {
    const std::size_t begin = reader_.place();
    if (!reader_.skip("{")) return false;
    TRY_ASSIGN(const std::optional<std::int64_t> first, reader_.number());
    if (first) {
      least = most = *first;
      if (reader_.skip(",")) {
        TRY_ASSIGN(const std::optional<std::int64_t> second, reader_.number());
        most = second.value_or(kUnbounded);
      }
      if (reader_.skip("}")) return true;
    }
    reader_.go_back(begin);
    least = 0, most = kUnbounded;
    return false;
  }

  Result<CharacterSet> character_class() {
    const bool negated = reader_.skip("^");
    CharacterSet set;
    while (!reader_.skip("]")) {
      if (reader_.at_end()) return reader_.error("\"[\" without \"]\"");
      TRY_ASSIGN(const CharacterSet first, class_member());
      const std::size_t place = reader_.place();
      const bool single = is_single(first);
      if (single && reader_.skip("-") && reader_.peek() != U']' && !reader_.at_end()) {
        TRY_ASSIGN(const CharacterSet last, class_member());
        if (!is_single(last) || last.ranges()[0].first < first.ranges()[0].first)
          return reader_.error("a range of characters that goes backwards or has no end");
        set.add(first.ranges()[0].first, last.ranges()[0].first);
      } else {
        reader_.go_back(place);
        set.add(first);
      }
    }
    return negated ? set.complement() : set;
  }

  static bool is_single(const CharacterSet& set) {
    return set.ranges().size() == 1 && set.ranges()[0].first == set.ranges()[0].last;
  }

  Result<CharacterSet> class_member() {
    if (!reader_.skip("\\")) {
      const char32_t c = reader_.take();
      return CharacterSet{{c, c}};
    }
    if (reader_.skip("b")) return CharacterSet{{U'\b', U'\b'}};
    return escape();
  }

  // After the backslash.
  Result<CharacterSet> escape() {
    if (reader_.at_end()) return reader_.error("a backslash at the end");
    const char32_t c = reader_.take();
    const auto one = [](char32_t value) { return CharacterSet{{value, value}}; };
    switch (c) {
      case U'd':
        return digits();
      case U'D':
        return digits().complement();
      case U'w':
        return word_characters();
      case U'W':
        return word_characters().complement();
      case U's':
        return white_space();
      case U'S':
        return white_space().complement();
      case U't':
        return one(U'\t');
      case U'n':
        return one(U'\n');
      case U'v':
        return one(U'\v');
      case U'f':
        return one(U'\f');
      case U'r':
        return one(U'\r');
      case U'0':
        if (GrammarReader::is_digit(reader_.peek())) return reader_.error("octal escapes are not supported");
        return one(0);
      case U'c':
        if (!GrammarReader::is_letter(reader_.peek())) return reader_.error("\\c without a letter");
        return one(reader_.take() % 32);
      case U'x':
      case U'u':
        return code_point(c == U'x' ? 2 : 4);
      case U'p':
      case U'P':
        return property(c == U'P');
      default:
        if (GrammarReader::is_letter(c) || GrammarReader::is_digit(c))
          return reader_.error("the escape \\{} is not known", static_cast<char>(c));
        return one(c);
    }
  }

  Result<CharacterSet> code_point(int digit_count) {
    std::optional<char32_t> value;
    if (digit_count == 4 && reader_.skip("{")) {
      for (int length = 1; length <= 6 && !reader_.skip("}"); ++length) {
        const std::optional<char32_t> digit = reader_.hexadecimal(1);
        if (!digit) return reader_.error("\\u{{ without its hexadecimal digits");
        value = value.value_or(0) * 16 + *digit;
        if (length == 6 && !reader_.skip("}")) return reader_.error("\\u{{ with more than six digits");
      }
    } else {
      value = reader_.hexadecimal(digit_count);
      // Two surrogates stand for one character.
      if (value && *value >= 0xD800 && *value < 0xDC00 && reader_.skip("\\u")) {
        const std::optional<char32_t> low = reader_.hexadecimal(4);
        if (!low || *low < 0xDC00 || *low > 0xDFFF) return reader_.error("half of a surrogate pair");
        value = 0x10000 + ((*value - 0xD800) << 10) + (*low - 0xDC00);
      }
    }
    if (!value || *value > kLastCharacter) return reader_.error("an escape without its hexadecimal digits");
    return CharacterSet{{*value, *value}};
  }

  Result<CharacterSet> property(bool negated) {
    constexpr std::pair<std::string_view, UnicodeClasses> kProperties[] = {
        {"{L}", kLetter},      {"{Letter}", kLetter},           {"{M}", kMark},   {"{Mark}", kMark},
        {"{N}", kNumber},      {"{Number}", kNumber},           {"{S}", kSymbol}, {"{Symbol}", kSymbol},
        {"{P}", kPunctuation}, {"{Punctuation}", kPunctuation},
    };
    for (const auto& [name, wanted] : kProperties) {
      if (!reader_.skip(name)) continue;
      const CharacterSet set = characters_of_class(wanted);
      return negated ? set.complement() : set;
    }
    return reader_.error("of Unicode properties only the categories L, M, N, P and S are supported");
  }

  GrammarReader reader_;
  const CharacterWriter& write_;
  int depth_ = 0;
};

}  // namespace

Result<Automaton> regex_automaton(std::string_view pattern, RegexMatch match, const CharacterWriter& write,
                                  GrammarBudget& budget) {
  if (!is_valid_utf8(pattern)) return fail("the pattern is not UTF-8");
  TRY_ASSIGN(ExpressionPtr inside, RegexParser(pattern, write).parse());
  // Either the pattern reads the mark itself, with an anchor, or it is read here, with what may stand before.
  std::vector<ExpressionPtr> before{mark(kTextBegin)}, after{mark(kTextEnd)};
  if (match == RegexMatch::kAnywhere) {
    const ExpressionPtr any = repeat(write(CharacterSet::all()), 0, kUnbounded);
    before.push_back(any);
    after.insert(after.begin(), any);
  }
  const ExpressionPtr whole = sequence(
      {optional(sequence(std::move(before))), std::move(inside), optional(sequence(std::move(after)))});
  TRY_ASSIGN(const Automaton marked, determinise(*whole, {}, budget));
  return without_marks(marked);
}

}  // namespace aloud
