// Bounds of numbers as expressions over their digits.
#include "engine/grammar_numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace aloud {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kExactDigits = 15;  // decimal numbers of so many digits are all different as doubles
constexpr int kIntegerDigits = 18;
constexpr std::size_t kMostBoundDigits = 40;

// A number that is not negative.
struct Decimal {
  std::string whole = "0";  // "0" or without leading zeros
  std::string fraction;     // without trailing zeros
};

struct SignedDecimal {
  bool negative = false;
  Decimal magnitude;

  bool is_zero() const { return magnitude.whole == "0" && magnitude.fraction.empty(); }
};

SignedDecimal decimal(const Json& number) {
  std::string digits;
  if (number.is_number_float()) {
    char buffer[1100];
    const auto end =
        std::to_chars(std::begin(buffer), std::end(buffer), number.get<double>(), std::chars_format::fixed);
    digits.assign(buffer, end.ptr);
  } else {
    digits = number.dump();
  }
  SignedDecimal result;
  if (digits.starts_with('-')) {
    result.negative = true;
    digits.erase(0, 1);
  }
  const std::size_t point = std::min(digits.find('.'), digits.size());
  result.magnitude.whole = digits.substr(0, point);
  if (point < digits.size()) result.magnitude.fraction = digits.substr(point + 1);
  while (result.magnitude.fraction.ends_with('0')) result.magnitude.fraction.pop_back();
  if (result.is_zero()) result.negative = false;
  return result;
}

ExpressionPtr digits_between(char first, char last) {
  if (first > last) return nothing();
  return characters({{static_cast<char32_t>(first), static_cast<char32_t>(last)}});
}
ExpressionPtr any_digit() { return digits_between('0', '9'); }
ExpressionPtr any_digits(std::int64_t least, std::int64_t most) { return repeat(any_digit(), least, most); }
ExpressionPtr with_sign(ExpressionPtr magnitude) { return sequence({text("-"), std::move(magnitude)}); }

ExpressionPtr point(std::string_view digits) { return sequence({text("."), text(digits)}); }

// Texts of numbers, without sign, leading zeros and exponent.
class Magnitudes {
 public:
  explicit Magnitudes(bool integer) : integer_(integer) {}

  ExpressionPtr all() const {
    return sequence(
        {choice({text("0"), sequence({digits_between('1', '9'), any_digits(0, kUnbounded)})}), fraction()});
  }

  ExpressionPtr at_least(const Decimal& bound, bool exclusive) const {
    const auto length = static_cast<std::int64_t>(bound.whole.size());
    std::vector<ExpressionPtr> parts{
        sequence({digits_between('1', '9'), any_digits(length, kUnbounded), fraction()})};
    for (std::size_t i = 0; i < bound.whole.size(); ++i)
      parts.push_back(sequence(
          {text(bound.whole.substr(0, i)), digits_between(static_cast<char>(bound.whole[i] + 1), '9'),
           any_digits(length - static_cast<std::int64_t>(i) - 1, length - static_cast<std::int64_t>(i) - 1),
           fraction()}));
    parts.push_back(sequence({text(bound.whole), fraction_at_least(bound.fraction, exclusive)}));
    return choice(std::move(parts));
  }

  ExpressionPtr at_most(const Decimal& bound, bool exclusive) const {
    const auto length = static_cast<std::int64_t>(bound.whole.size());
    std::vector<ExpressionPtr> parts;
    if (length > 1)
      parts.push_back(
          sequence({choice({text("0"), sequence({digits_between('1', '9'), any_digits(0, length - 2)})}),
                    fraction()}));
    for (std::size_t i = 0; i < bound.whole.size(); ++i) {
      const char lowest = i == 0 && length > 1 ? '1' : '0';
      parts.push_back(sequence(
          {text(bound.whole.substr(0, i)), digits_between(lowest, static_cast<char>(bound.whole[i] - 1)),
           any_digits(length - static_cast<std::int64_t>(i) - 1, length - static_cast<std::int64_t>(i) - 1),
           fraction()}));
    }
    parts.push_back(sequence({text(bound.whole), fraction_at_most(bound.fraction, exclusive)}));
    return choice(std::move(parts));
  }

 private:
  ExpressionPtr fraction() const {
    return integer_ ? text("") : optional(sequence({text("."), any_digits(1, kUnbounded)}));
  }

  ExpressionPtr fraction_at_least(const std::string& bound, bool exclusive) const {
    if (integer_) return exclusive || !bound.empty() ? nothing() : text("");
    const ExpressionPtr more =
        sequence({any_digits(0, kUnbounded), digits_between('1', '9'), any_digits(0, kUnbounded)});
    std::vector<ExpressionPtr> parts;
    if (bound.empty() && !exclusive) return fraction();
    for (std::size_t i = 0; i < bound.size(); ++i)
      parts.push_back(
          sequence({point(bound.substr(0, i)), digits_between(static_cast<char>(bound[i] + 1), '9'),
                    any_digits(0, kUnbounded)}));
    parts.push_back(sequence({point(bound), exclusive ? more : any_digits(0, kUnbounded)}));
    return choice(std::move(parts));
  }

  ExpressionPtr fraction_at_most(const std::string& bound, bool exclusive) const {
    if (integer_) return exclusive && bound.empty() ? nothing() : text("");
    const ExpressionPtr zeros = repeat(text("0"), 0, kUnbounded);
    if (bound.empty()) return exclusive ? nothing() : optional(sequence({text(".0"), zeros}));
    std::vector<ExpressionPtr> parts{text("")};
    for (std::size_t i = 0; i < bound.size(); ++i) {
      if (i > 0) parts.push_back(point(bound.substr(0, i)));
      parts.push_back(
          sequence({point(bound.substr(0, i)), digits_between('0', static_cast<char>(bound[i] - 1)),
                    any_digits(0, kUnbounded)}));
    }
    if (!exclusive) parts.push_back(sequence({point(bound), zeros}));
    return choice(std::move(parts));
  }

  bool integer_;
};

// Up to so many digits, with a point anywhere between them.
ExpressionPtr few_digits(int most) {
  return sequence({any_digit(), repeat(sequence({optional(text(".")), any_digit()}), 0, most - 1)});
}

// Digits whose value can be divided.
Automaton multiples(std::int64_t divisor) {
  Automaton result;
  result.states.resize(static_cast<std::size_t>(divisor) + 1);  // the last is remainder 0 after a digit
  for (std::int64_t remainder = 0; remainder <= divisor; ++remainder) {
    Automaton::State& state = result.states[static_cast<std::size_t>(remainder)];
    state.final = remainder == divisor;
    for (std::int64_t digit = 0; digit < 10; ++digit) {
      const std::int64_t next = (remainder % divisor * 10 + digit) % divisor;
      const auto symbol = static_cast<Symbol>('0' + digit);
      state.edges.push_back({symbol, symbol, static_cast<std::int32_t>(next == 0 ? divisor : next)});
    }
  }
  return result;
}

struct DecimalBound {
  SignedDecimal value;
  bool exclusive = false;
};

// The bound itself may need more digits than a number has: then it bounds nothing, or leaves nothing.
bool beyond_digits(const DecimalBound& bound) { return bound.value.magnitude.whole.size() > kIntegerDigits; }

class Range {
 public:
  Range(const NumberLimits& limits, GrammarBudget& budget)
      : limits_(limits), budget_(budget), texts_(limits.integer) {}

  Result<ExpressionPtr> expression() {
    TRY(read(limits_.lower, lower_));
    TRY(read(limits_.upper, upper_));
    if (lower_ && beyond_digits(*lower_)) {
      if (!lower_->value.negative) return nothing();
      lower_.reset();
    }
    if (upper_ && beyond_digits(*upper_)) {
      if (upper_->value.negative) return nothing();
      upper_.reset();
    }
    std::vector<ExpressionPtr> parts;
    if (!upper_ || !upper_->value.negative) {
      const bool from_zero = !lower_ || lower_->value.negative;
      TRY_ASSIGN(ExpressionPtr part, between(from_zero ? std::nullopt : lower_, upper_));
      parts.push_back(std::move(part));
    }
    if (!lower_ || lower_->value.negative) {
      // Beginning above zero: -0 is not written.
      const bool to_zero = !upper_ || !upper_->value.negative;
      TRY_ASSIGN(ExpressionPtr part, between(to_zero ? DecimalBound{{}, true} : upper_, lower_));
      parts.push_back(with_sign(std::move(part)));
    }
    return choice(std::move(parts));
  }

 private:
  static Status read(const std::optional<NumberLimits::Bound>& bound, std::optional<DecimalBound>& out) {
    if (!bound) return {};
    out = DecimalBound{decimal(bound->value), bound->exclusive};
    if (out->value.magnitude.fraction.size() > kMostBoundDigits)
      return fail("a bound of {} has more than {} digits", bound->value.dump(), kMostBoundDigits);
    return {};
  }

  // Magnitudes between those of two bounds.
  Result<ExpressionPtr> between(const std::optional<DecimalBound>& least,
                                const std::optional<DecimalBound>& most) {
    const bool plain = limits_.integer && !limits_.multiple_of;
    TRY_ASSIGN(Automaton result, determined(few_digits(plain ? kIntegerDigits : kExactDigits)));
    TRY(intersect_with(result, texts_.all()));
    if (least) TRY(intersect_with(result, texts_.at_least(least->value.magnitude, least->exclusive)));
    if (most) TRY(intersect_with(result, texts_.at_most(most->value.magnitude, most->exclusive)));
    if (limits_.multiple_of > 0) {
      TRY(budget_.spend(limits_.multiple_of));
      TRY_ASSIGN(result, intersect(result, multiples(limits_.multiple_of), budget_));
    }
    return embedded(std::move(result));
  }

  Result<Automaton> determined(const ExpressionPtr& expression) {
    return determinise(*expression, {}, budget_);
  }

  Status intersect_with(Automaton& result, const ExpressionPtr& expression) {
    TRY_ASSIGN(const Automaton other, determined(expression));
    TRY_ASSIGN(result, intersect(result, other, budget_));
    return {};
  }

  const NumberLimits& limits_;
  GrammarBudget& budget_;
  Magnitudes texts_;
  std::optional<DecimalBound> lower_, upper_;
};

}  // namespace

void NumberLimits::raise_lower(const Bound& bound) {
  if (!lower || bound.value > lower->value || (bound.value == lower->value && bound.exclusive)) lower = bound;
}

void NumberLimits::cut_upper(const Bound& bound) {
  if (!upper || bound.value < upper->value || (bound.value == upper->value && bound.exclusive)) upper = bound;
}

Result<ExpressionPtr> number_expression(const NumberLimits& limits, GrammarBudget& budget) {
  const bool bounded = limits.lower || limits.upper || limits.multiple_of > 0;
  if (bounded) return Range(limits, budget).expression();
  const ExpressionPtr zero = text("0");
  const int digits = limits.integer ? kIntegerDigits : kExactDigits;
  const ExpressionPtr whole = choice({zero, sequence({digits_between('1', '9'), any_digits(0, digits - 1)})});
  if (limits.integer)
    return choice(
        {zero, sequence({optional(text("-")), digits_between('1', '9'), any_digits(0, digits - 1)})});
  const ExpressionPtr fraction = optional(sequence({text("."), any_digits(1, kExactDigits)}));
  const ExpressionPtr exponent =
      optional(sequence({characters({{U'E', U'E'}, {U'e', U'e'}}),
                         optional(characters({{U'+', U'+'}, {U'-', U'-'}})), any_digits(1, 2)}));
  return sequence({optional(text("-")), whole, fraction, exponent});
}

}  // namespace aloud
