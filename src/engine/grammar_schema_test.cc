// Tests of JSON schemas as grammars; many more are held against an independent validator in tests/schemas.
#include <string>

#include "engine/grammar_testing.h"

namespace aloud {
namespace {

TEST(JsonSchema, AnyJsonIsBoundedInWhiteSpace) {
  const auto grammar = Grammar::from_any_json();
  for (const char* text :
       {"{}", "[]", "null", "-0.5e+10", "\"\\u00e9\\ud83d\\ude00\\n\"", "[1, {\"a\": [true,false]}]"})
    EXPECT_TRUE(matches(grammar, text)) << text;
  for (const char* text :
       {"", " {}", "{ }", "[1,  2]", "[1\n]", "01", "1.", ".5", "+1", "\"\\ud83d\"", "\"\\ude00\"",
        "\"\x01\"", "\"\xFF\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "[1,]", "{\"a\"}", "nul", "{} "})
    EXPECT_FALSE(matches(grammar, text)) << text;
}

TEST(JsonSchema, NumbersAreBounded) {
  const auto integer = schema_grammar(R"({"type": "integer"})");
  EXPECT_TRUE(matches(integer, std::string(18, '9')));
  EXPECT_FALSE(matches(integer, std::string(19, '9')));
  const auto number = schema_grammar(R"({"type": "number"})");
  EXPECT_TRUE(matches(number, std::string(15, '9') + "." + std::string(15, '1') + "e-99"));
  EXPECT_FALSE(matches(number, std::string(16, '9')));
  EXPECT_FALSE(matches(number, "1e100"));
}

// Every bound against every number of a grid, as the bounds say.
TEST(JsonSchema, BoundsOfNumbersAreExact) {
  const std::vector<std::string> grid = {"-12.5", "-12",  "-11",  "-2.05", "-2",   "-1.5", "-1",  "-0.5",
                                         "-0.05", "0",    "0.05", "0.5",   "0.55", "1",    "1.5", "2",
                                         "9",     "9.99", "10",   "11",    "99.5", "100"};
  for (const std::string& low : grid) {
    for (const std::string& high : grid) {
      for (const bool exclusive : {false, true}) {
        const auto grammar = schema_grammar(exclusive ? R"({"type": "number", "exclusiveMinimum": )" + low +
                                                            R"(, "exclusiveMaximum": )" + high + "}"
                                                      : R"({"type": "number", "minimum": )" + low +
                                                            R"(, "maximum": )" + high + "}");
        const double least = std::stod(low), most = std::stod(high);
        if (least > most || (exclusive && least == most)) {
          EXPECT_FALSE(grammar) << low << " " << high;
          continue;
        }
        for (const std::string& text : grid) {
          const double value = std::stod(text);
          const bool inside = exclusive ? least < value && value < most : least <= value && value <= most;
          EXPECT_EQ(matches(grammar, text), inside) << low << " " << text << " " << high << " " << exclusive;
        }
      }
    }
  }
}

TEST(JsonSchema, MembersComeInTheOrderOfTheSchema) {
  const auto grammar =
      schema_grammar(R"({"type": "object", "additionalProperties": {"type": "null"}, "required": ["b"],
      "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {"type": "integer"}}})");
  for (const char* text : {R"({"b":1})", R"({"a":1,"b":2})",
                           R"({"a": 1, "b": 2, "c": 3, "d": null, "e": null})", R"({"b":1,"":null})"})
    EXPECT_TRUE(matches(grammar, text)) << text;
  for (const char* text : {R"({})", R"({"b":1,"a":2})", R"({"d":null,"b":1})", R"({"b":1,"b":2})",
                           R"({"b":1,"c":null})", R"({"b":1,"\u0063":null})", R"({"b":1,})", R"({,"b":1})"})
    EXPECT_FALSE(matches(grammar, text)) << text;
}

TEST(JsonSchema, ErrorsNameTheKeywordAndItsPlace) {
  EXPECT_EQ(error_of(schema_grammar(R"({"properties": {"a/b": {"items": {"not": {}}}}})")),
            R"(#/properties/a~1b/items: "not" is not supported)");
  EXPECT_EQ(error_of(schema_grammar(R"({"anyOf": [{"type": "null"}, {"minLength": "3"}]})")),
            R"(#/anyOf/1: "minLength" must be a whole number that is not negative)");
  EXPECT_EQ(error_of(schema_grammar(R"({"\u001b[31m": 1})")), R"(#: "\x1b[31m" is not supported)");
}

TEST(JsonSchema, HostileSchemasAreRefused) {
  std::string nested = R"({"type": "null"})";
  for (int i = 0; i < 65; ++i) nested = R"({"properties": {"a": )" + nested + "}}";
  EXPECT_NE(error_of(schema_grammar(nested)).find("64 deep"), std::string::npos);
  std::string list = "[1";
  for (int i = 0; i < 200'000; ++i) list += ",1";
  EXPECT_NE(error_of(schema_grammar(R"({"enum": )" + list + "]}")).find("more than 100000 values"),
            std::string::npos);
  // 20 unions of 20 alternatives, all of which must hold.
  std::string joined;
  for (int i = 0; i < 20; ++i) {
    std::string options;
    for (int k = 0; k < 20; ++k)
      options += fmt::format(R"({}{{"properties": {{"p{}": {{"const": {}}}}}}})", k > 0 ? "," : "", i, k);
    joined += fmt::format(R"({}{{"anyOf": [{}]}})", i > 0 ? "," : "", options);
  }
  EXPECT_NE(error_of(schema_grammar(R"({"allOf": [)" + joined + "]}")), "none");
  // A chain of references, each to two of the next.
  std::string chain;
  for (int i = 0; i < 100; ++i) {
    chain += fmt::format(
        R"("d{0}": {{"type": "array", "prefixItems": [{{"$ref": "#/$defs/d{1}"}}, {{"$ref": "#/$defs/d{1}"}}]}},)",
        i, i + 1);
  }
  EXPECT_EQ(error_of(schema_grammar(R"({"$defs": {)" + chain + R"("d100": true}, "$ref": "#/$defs/d0"})")),
            "none");
}

}  // namespace
}  // namespace aloud
