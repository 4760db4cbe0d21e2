// Regular expressions as ECMAScript writes them, without what no finite automaton can do.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"
#include "engine/grammar_automaton.h"

namespace aloud {

// How characters are written in the text that is matched: as they are, or as in a JSON string.
using CharacterWriter = std::function<ExpressionPtr(const CharacterSet&)>;

enum class RegexMatch {
  kWhole,    // the pattern matches the text from end to end
  kAnywhere  // the text holds a match
};

// Understands literals, `.`, classes with \d \w \s and ranges, groups (also named), alternatives, greedy and
// lazy quantifiers, the anchors ^ and $ anywhere, \xHH \uHHHH \u{H...} \cX \t \n \v \f \r \0, and \p{..} of
// the general categories L M N P S. Errors name what was found: look-around, back references, \b, other
// properties, nesting beyond kMostGroups, counts beyond kMostRepetitions, and the budget.
Result<Automaton> regex_automaton(std::string_view pattern, RegexMatch match, const CharacterWriter& write,
                                  GrammarBudget& budget);

}  // namespace aloud
