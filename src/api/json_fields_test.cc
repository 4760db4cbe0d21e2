// Tests of reading a request's fields: types, ranges, places, hostile bodies.
#include "api/json_fields.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

Json json(const char* text) { return Json::parse(text); }

std::string error_of(const JsonFields& fields) { return fields.error() ? fields.error()->message : "none"; }

TEST(ParseRequest, TellsWhatIsWrong) {
  EXPECT_TRUE(parse_request(R"({"a": 1})"));
  const auto message = [](std::string_view body) {
    const auto parsed = parse_request(body);
    return parsed ? std::string("none") : parsed.error().message;
  };
  EXPECT_EQ(message("[1]"), "the body is an array, expected a JSON object");
  EXPECT_EQ(message("3"), "the body is 3, expected a JSON object");
  EXPECT_TRUE(message("").starts_with("the body is not JSON: ")) << message("");
  EXPECT_TRUE(message("{\"a\": \"\xff\"}").starts_with("the body is not JSON: "));
  EXPECT_TRUE(message(R"({"a": 1e400})").starts_with("the body is not JSON: "));
}

TEST(ParseRequest, BoundsTheDepth) {
  const auto nested = [](int depth) {
    return "{\"a\":" + std::string(static_cast<std::size_t>(depth - 1), '[') +
           std::string(static_cast<std::size_t>(depth - 1), ']') + "}";
  };
  EXPECT_TRUE(parse_request(nested(kMaxJsonDepth)));
  const auto deep = parse_request(nested(kMaxJsonDepth + 1));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().message, "the body is nested more than 64 levels deep");
  EXPECT_FALSE(parse_request(nested(1'000'000)));
}

TEST(JsonFields, ReadsWhatIsThere) {
  const Json object = json(R"({"s": "x", "b": true, "i": 5, "w": 5.0, "d": 0.5, "n": null, "c": "low"})");
  JsonFields fields(object);
  EXPECT_EQ(fields.string("s"), "x");
  EXPECT_EQ(fields.required_string("s"), "x");
  EXPECT_EQ(fields.boolean("b"), true);
  EXPECT_EQ(fields.integer("i", 0, 10), 5);
  EXPECT_EQ(fields.integer("w", 0, 10), 5);
  EXPECT_EQ(fields.number("d", 0, 1), 0.5);
  EXPECT_EQ(fields.number("i", 0, 10), 5.0);
  EXPECT_EQ(fields.choice("c", {"low", "high"}), "low");
  for (const char* absent : {"n", "missing"}) {
    EXPECT_FALSE(fields.has(absent));
    EXPECT_FALSE(fields.string(absent));
    EXPECT_FALSE(fields.integer(absent, 0));
  }
  EXPECT_FALSE(fields.error());
}

TEST(JsonFields, TheFirstErrorStaysAndNamesItsPlace) {
  const Json object = json(R"({"list": [{"n": "x"}], "k": 11})");
  JsonFields fields(object);
  const Json& list = *fields.array("list");
  JsonFields element = fields.inner("list", 0, list[0]);
  EXPECT_FALSE(element.integer("n", 0, 5));
  EXPECT_FALSE(fields.integer("k", 0, 10));
  EXPECT_EQ(error_of(fields), "list[0].n: \"x\" is not a whole number");
  EXPECT_EQ(fields.error()->param, "list[0].n");
}

TEST(JsonFields, Ranges) {
  const auto error = [](const char* value) {
    const Json object = json(fmt::format("{{\"k\": {}}}", value).c_str());
    JsonFields fields(object);
    EXPECT_FALSE(fields.integer("k", 1, 10));
    return error_of(fields);
  };
  EXPECT_EQ(error("0"), "k: 0 is not between 1 and 10");
  EXPECT_EQ(error("11"), "k: 11 is not between 1 and 10");
  EXPECT_EQ(error("1.5"), "k: 1.5 is not a whole number from 1 to 10");
  EXPECT_EQ(error("1e300"), "k: 1e+300 is not a whole number from 1 to 10");
  EXPECT_EQ(error("18446744073709551615"), "k: 18446744073709551615 is not a whole number from 1 to 10");
  EXPECT_EQ(error("true"), "k: true is not a whole number");
  EXPECT_EQ(error("[1]"), "k: an array is not a whole number");
}

TEST(JsonFields, LongValuesAreShortened) {
  const Json object = {{"k", std::string(1000, 'x')}};
  JsonFields fields(object);
  EXPECT_FALSE(fields.boolean("k"));
  EXPECT_LT(error_of(fields).size(), 120u);
}

TEST(JsonFields, AnInnerThingThatIsNoObject) {
  const Json object = json(R"({"list": [3]})");
  JsonFields fields(object);
  JsonFields element = fields.inner("list", 0, object["list"][0]);
  EXPECT_FALSE(element.string("x"));
  EXPECT_EQ(error_of(fields), "list[0]: 3 is not an object");
}

}  // namespace
}  // namespace aloud
