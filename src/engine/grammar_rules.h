// A grammar as its author or a schema compiler hands it over: named rules.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/grammar_expression.h"

namespace aloud {

struct GrammarRule {
  std::string name;  // for messages
  ExpressionPtr body;
};

// Texts begin with the first rule. Calls are indices.
using GrammarRules = std::vector<GrammarRule>;

// GBNF, as llama.cpp defines it: `name ::= ...` with "literals", [classes], `.`, (groups), |, *, +, ?,
// {n}, {n,}, {n,m}, calls by name and # comments; texts are those of the rule `root`. Errors tell the place:
// syntax, rules that are not defined or defined twice, nesting beyond kMostGroups, counts beyond
// kMostRepetitions, token references.
Result<GrammarRules> parse_gbnf(std::string_view source);

}  // namespace aloud
