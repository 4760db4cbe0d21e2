// JSON numbers within bounds.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/result.h"
#include "engine/grammar_automaton.h"

namespace aloud {

// Numbers are written with so many digits at most, so that every reader takes them for what they say: 15
// where there are fractions, bounds or multiples, 18 for plain integers.
struct NumberLimits {
  struct Bound {
    nlohmann::ordered_json value;  // a number
    bool exclusive = false;
  };
  std::optional<Bound> lower;
  std::optional<Bound> upper;
  std::int64_t multiple_of = 0;  // 0: of nothing in particular
  bool integer = false;

  void raise_lower(const Bound& bound);
  void cut_upper(const Bound& bound);
};

// An exponent is written only where there are no limits. The result may match nothing. Errors: the budget;
// bounds with too many digits.
Result<ExpressionPtr> number_expression(const NumberLimits& limits, GrammarBudget& budget);

}  // namespace aloud
