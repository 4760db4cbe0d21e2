// Parses GBNF by recursive descent, and writes small rules out where they are called.
#include <map>
#include <utility>

#include "engine/grammar_reader.h"
#include "engine/grammar_rules.h"

namespace aloud {

namespace {

constexpr std::size_t kMostGbnfRules = 1000;

class GbnfParser {
 public:
  explicit GbnfParser(std::string_view source) : reader_(source) {}

  Result<GrammarRules> parse() {
    id_of("root");
    for (skip_space(true); !reader_.at_end(); skip_space(true)) TRY(rule());
    for (const GrammarRule& defined : rules_) {
      if (defined.body == nullptr) return fail("the rule \"{}\" is not defined", defined.name);
    }
    return std::move(rules_);
  }

 private:
  static bool is_name(char32_t c) {
    return GrammarReader::is_letter(c) || GrammarReader::is_digit(c) || c == U'-' || c == U'_';
  }

  // White space and comments; ends of lines only where a rule goes on behind them.
  void skip_space(bool lines) {
    for (;;) {
      if (reader_.skip("#")) {
        while (!reader_.at_end() && reader_.peek() != U'\n' && reader_.peek() != U'\r') reader_.take();
      } else if (!reader_.skip(" ") && !reader_.skip("\t") &&
                 !(lines && (reader_.skip("\n") || reader_.skip("\r")))) {
        return;
      }
    }
  }

  std::size_t id_of(const std::string& name) {
    const auto [found, is_new] = ids_.try_emplace(name, rules_.size());
    if (is_new) rules_.push_back({name, nullptr});
    return found->second;
  }

  std::string name() {
    std::string result;
    while (is_name(reader_.peek())) result.push_back(static_cast<char>(reader_.take()));
    return result;
  }

  Status rule() {
    const std::string defined = name();
    if (defined.empty()) return reader_.error("expected the name of a rule");
    skip_space(false);
    if (!reader_.skip("::=")) return reader_.error("expected ::= after \"{}\"", defined);
    skip_space(true);
    const std::size_t id = id_of(defined);
    if (rules_[id].body != nullptr) return reader_.error("the rule \"{}\" is defined twice", defined);
    TRY_ASSIGN(ExpressionPtr body, alternatives(false));
    rules_[id].body = std::move(body);
    if (rules_.size() > kMostGbnfRules) return reader_.error("more than {} rules", kMostGbnfRules);
    if (reader_.at_end() || reader_.peek() == U'\n' || reader_.peek() == U'\r') return {};
    return reader_.error("expected the end of the rule \"{}\"", defined);
  }

  Result<ExpressionPtr> alternatives(bool in_group) {
    if (++depth_ > kMostGroups) return reader_.error("groups lie more than {} deep", kMostGroups);
    std::vector<ExpressionPtr> parts;
    do {
      skip_space(true);
      TRY_ASSIGN(ExpressionPtr part, terms(in_group));
      parts.push_back(std::move(part));
    } while (reader_.skip("|"));
    --depth_;
    return choice(std::move(parts));
  }

  Result<ExpressionPtr> terms(bool in_group) {
    std::vector<ExpressionPtr> parts;
    for (;;) {
      TRY_ASSIGN(ExpressionPtr part, term());
      if (part == nullptr) return sequence(std::move(parts));
      skip_space(in_group);
      TRY_ASSIGN(part, quantified(std::move(part), in_group));
      parts.push_back(std::move(part));
    }
  }

  // nullptr where no term begins.
  Result<ExpressionPtr> term() {
    if (reader_.skip("\"")) return literal();
    if (reader_.skip("[")) return character_class();
    if (reader_.skip(".")) return characters(CharacterSet::all());
    if (reader_.skip("(")) {
      TRY_ASSIGN(ExpressionPtr inside, alternatives(true));
      if (!reader_.skip(")")) return reader_.error("\"(\" without \")\"");
      return inside;
    }
    if (reader_.peek() == U'<' || reader_.peek() == U'!')
      return reader_.error("tokens in a grammar are not supported");
    const std::string called = name();
    if (called.empty()) return nullptr;
    return call(static_cast<RuleId>(id_of(called)));
  }

  Result<ExpressionPtr> quantified(ExpressionPtr part, bool in_group) {
    for (;;) {
      std::int64_t least = 0, most = kUnbounded;
      if (reader_.skip("?")) {
        most = 1;
      } else if (reader_.skip("+")) {
        least = 1;
      } else if (reader_.skip("{")) {
        TRY(count(least, most));
      } else if (!reader_.skip("*")) {
        return part;
      }
      if (++depth_ > kMostGroups)
        return reader_.error("more than {} repetitions of repetitions", kMostGroups);
      part = repeat(std::move(part), least, most);
      skip_space(in_group);
    }
  }

  Status count(std::int64_t& least, std::int64_t& most) {
    skip_space(false);
    TRY_ASSIGN(const std::optional<std::int64_t> first, reader_.number());
    skip_space(false);
    least = first.value_or(0);
    most = least;
    const bool range = reader_.skip(",");
    if (range) {
      skip_space(false);
      TRY_ASSIGN(const std::optional<std::int64_t> second, reader_.number());
      most = second.value_or(kUnbounded);
      skip_space(false);
    }
    if (!reader_.skip("}") || (!first && (!range || most == kUnbounded)))
      return reader_.error("a repetition is written {{n}}, {{n,}}, {{,m}} or {{n,m}}");
    if (most != kUnbounded && least > most) return reader_.error("a repetition of {} to {}", least, most);
    return {};
  }

  Result<ExpressionPtr> literal() {
    std::string bytes;
    while (!reader_.skip("\"")) {
      if (reader_.at_end()) return reader_.error("a literal has no end");
      TRY_ASSIGN(const char32_t c, character());
      append_utf8(c, bytes);
    }
    return text(bytes);
  }

  Result<ExpressionPtr> character_class() {
    const bool negated = reader_.skip("^");
    std::vector<CharacterRange> ranges;
    while (!reader_.skip("]")) {
      if (reader_.at_end()) return reader_.error("\"[\" without \"]\"");
      TRY_ASSIGN(const char32_t first, character());
      char32_t last = first;
      const std::size_t place = reader_.place();
      if (reader_.skip("-") && reader_.peek() != U']' && !reader_.at_end()) {
        TRY_ASSIGN(last, character());
      } else {
        reader_.go_back(place);
      }
      if (last < first) return reader_.error("a range of characters that goes backwards");
      ranges.push_back({first, last});
    }
    const CharacterSet set{std::span<const CharacterRange>(ranges)};
    return characters(negated ? set.complement() : set);
  }

  // One character of a literal or a class.
  Result<char32_t> character() {
    if (!reader_.skip("\\")) return reader_.take();
    if (reader_.at_end()) return reader_.error("a backslash at the end");
    const char32_t c = reader_.take();
    switch (c) {
      case U'n':
        return U'\n';
      case U'r':
        return U'\r';
      case U't':
        return U'\t';
      case U'x':
      case U'u':
      case U'U': {
        const std::optional<char32_t> value = reader_.hexadecimal(c == U'x' ? 2 : c == U'u' ? 4 : 8);
        if (!value || *value > kLastCharacter || (*value >= 0xD800 && *value <= 0xDFFF))
          return reader_.error("\\{} without the hexadecimal digits of a character", static_cast<char>(c));
        return *value;
      }
      default:
        if (GrammarReader::is_letter(c) || GrammarReader::is_digit(c))
          return reader_.error("the escape \\{} is not known", static_cast<char>(c));
        return c;
    }
  }

  GrammarReader reader_;
  GrammarRules rules_;
  std::map<std::string, std::size_t> ids_;
  int depth_ = 0;
};

// A call costs more than a few characters do, most of all in a loop: rules without calls of at most kSmall
// nodes are written out where they are called, and so on upwards.
class Inliner {
 public:
  explicit Inliner(GrammarRules& rules) : rules_(rules), seen_(rules.size()), small_(rules.size()) {}

  void run() {
    for (std::size_t id = 0; id < rules_.size(); ++id) visit(id);
  }

 private:
  static constexpr std::int64_t kSmall = 64;

  void visit(std::size_t id) {
    if (seen_[id]) return;
    seen_[id] = true;
    ExpressionPtr& body = rules_[id].body;
    std::vector<RuleId> calls;
    append_calls(*body, calls);
    for (const RuleId called : calls) visit(static_cast<std::size_t>(called));
    body = written_out(body);
    calls.clear();
    append_calls(*body, calls);
    small_[id] = calls.empty() && body->size <= kSmall;
  }

  ExpressionPtr written_out(const ExpressionPtr& expression) {
    const auto all = [&](const std::vector<ExpressionPtr>& parts) {
      std::vector<ExpressionPtr> result;
      for (const ExpressionPtr& part : parts) result.push_back(written_out(part));
      return result;
    };
    return std::visit(Overloaded{[&](const Expression::Sequence& kind) { return sequence(all(kind.parts)); },
                                 [&](const Expression::Choice& kind) { return choice(all(kind.parts)); },
                                 [&](const Expression::Repeat& kind) {
                                   return repeat(written_out(kind.part), kind.least, kind.most);
                                 },
                                 [&](const Expression::Call& kind) {
                                   const auto called = static_cast<std::size_t>(kind.rule);
                                   return small_[called] ? rules_[called].body : expression;
                                 },
                                 [&](const auto&) { return expression; }},
                      expression->what);
  }

  GrammarRules& rules_;
  std::vector<bool> seen_;
  std::vector<bool> small_;
};

}  // namespace

Result<GrammarRules> parse_gbnf(std::string_view source) {
  if (!is_valid_utf8(source)) return fail("the grammar is not UTF-8");
  TRY_ASSIGN(GrammarRules rules, GbnfParser(source).parse());
  Inliner(rules).run();
  return rules;
}

}  // namespace aloud
