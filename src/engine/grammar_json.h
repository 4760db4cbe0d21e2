// How JSON is written by the grammars of schemas.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "engine/grammar_expression.h"

namespace aloud {

// White space is none, or one space after a comma or a colon.
ExpressionPtr json_comma();
ExpressionPtr json_colon();

// One character of a string, in any of the ways to write it; surrogates come in pairs.
ExpressionPtr json_character();

// One character of a string where what it says matters (patterns, names of members): in the one way in which
// JavaScript and most others write it, as itself if that is possible. A CharacterWriter.
ExpressionPtr json_plain_character(const CharacterSet& set);

// Between quotes.
ExpressionPtr json_quoted(ExpressionPtr characters);

// A value as it is, also with the spaces.
ExpressionPtr json_literal(const nlohmann::ordered_json& value);

// A string in the way of json_plain_character(), without its quotes.
std::string json_plain_string(const std::string& value);

// A number in the way of JavaScript: 1.0 is 1.
std::string json_number(const nlohmann::ordered_json& value);

}  // namespace aloud
