// Pieces of JSON as expressions.
#include "engine/grammar_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace aloud {

namespace {

using Json = nlohmann::ordered_json;

// What stands for itself in a string.
CharacterSet plain_characters() { return {{U' ', U'!'}, {U'#', U'['}, {U']', kLastCharacter}}; }

ExpressionPtr one_of(const CharacterSet& set) { return characters(set); }

ExpressionPtr hexadecimal() { return one_of({{U'0', U'9'}, {U'A', U'F'}, {U'a', U'f'}}); }

ExpressionPtr members(const Json& value) {
  std::vector<ExpressionPtr> parts;
  for (auto member = value.begin(); member != value.end(); ++member) {
    if (member != value.begin()) parts.push_back(json_comma());
    if (value.is_object()) {
      parts.push_back(json_quoted(text(json_plain_string(member.key()))));
      parts.push_back(json_colon());
    }
    parts.push_back(json_literal(*member));
  }
  return sequence(std::move(parts));
}

}  // namespace

ExpressionPtr json_comma() { return sequence({text(","), optional(text(" "))}); }
ExpressionPtr json_colon() { return sequence({text(":"), optional(text(" "))}); }

ExpressionPtr json_character() {
  const ExpressionPtr hex = hexadecimal();
  const ExpressionPtr d = one_of({{U'D', U'D'}, {U'd', U'd'}});
  const ExpressionPtr other_than_d =
      one_of({{U'0', U'9'}, {U'A', U'C'}, {U'E', U'F'}, {U'a', U'c'}, {U'e', U'f'}});
  const ExpressionPtr escaped = choice({
      one_of({{U'"', U'"'},
              {U'\\', U'\\'},
              {U'/', U'/'},
              {U'b', U'b'},
              {U'f', U'f'},
              {U'n', U'n'},
              {U'r', U'r'},
              {U't', U't'}}),
      sequence({text("u"), other_than_d, hex, hex, hex}),
      sequence({text("u"), d, one_of({{U'0', U'7'}}), hex, hex}),
      sequence({text("u"), d, one_of({{U'8', U'9'}, {U'A', U'B'}, {U'a', U'b'}}), hex, hex, text("\\u"), d,
                one_of({{U'C', U'F'}, {U'c', U'f'}}), hex, hex}),
  });
  return choice({one_of(plain_characters()), sequence({text("\\"), escaped})});
}

ExpressionPtr json_plain_character(const CharacterSet& set) {
  const CharacterSet plain = set.intersection(plain_characters());
  std::vector<ExpressionPtr> parts;
  if (!plain.empty()) parts.push_back(characters(plain));
  const CharacterSet escaped = set.intersection(plain_characters().complement());
  for (const CharacterRange& range : escaped.ranges()) {
    for (char32_t c = range.first; c <= range.last; ++c) {
      parts.push_back(text(json_plain_string(std::string(1, static_cast<char>(c)))));
    }
  }
  return choice(std::move(parts));
}

ExpressionPtr json_quoted(ExpressionPtr characters) {
  return sequence({text("\""), std::move(characters), text("\"")});
}

ExpressionPtr json_literal(const Json& value) {
  if (value.is_object()) return sequence({text("{"), members(value), text("}")});
  if (value.is_array()) return sequence({text("["), members(value), text("]")});
  if (value.is_string()) return json_quoted(text(json_plain_string(value.get_ref<const std::string&>())));
  if (value.is_number()) return text(json_number(value));
  return text(value.dump());
}

std::string json_plain_string(const std::string& value) {
  const std::string quoted = Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

std::string json_number(const Json& value) {
  constexpr double kExact = 1e15;
  if (!value.is_number_float()) return value.dump();
  const auto number = value.get<double>();
  if (std::abs(number) < kExact && number == std::trunc(number))
    return std::to_string(static_cast<std::int64_t>(number));
  return value.dump();
}

}  // namespace aloud
