// Tests of what the cache of grammars keeps, for whom, and how much.
#include "engine/grammar_cache.h"

#include <thread>
#include <vector>

#include "engine/grammar_testing.h"

namespace aloud {
namespace {

TEST(GrammarCacheTest, CompilesOncePerOwner) {
  GrammarCache cache;
  const GrammarSource anna(cache, "anna"), bert(cache, "bert");
  const Grammar::Ptr first = anna.from_regex("[a-z]{3}").value();
  EXPECT_EQ(anna.from_regex("[a-z]{3}").value(), first);
  EXPECT_NE(bert.from_regex("[a-z]{3}").value(), first);
  EXPECT_NE(GrammarSource().from_regex("[a-z]{3}").value(), first);
  EXPECT_TRUE(matches(first, "abc"));
}

TEST(GrammarCacheTest, TellsLanguagesTextsAndOwnersApart) {
  GrammarCache cache;
  int compiled = 0;
  const auto get = [&](std::string_view owner, std::string_view kind, std::string_view text) {
    return cache.get(owner, kind, text, [&] {
      ++compiled;
      return Grammar::from_regex("a");
    });
  };
  EXPECT_TRUE(get("anna", "regex", "a"));
  EXPECT_TRUE(get("anna", "gbnf", "a"));
  EXPECT_TRUE(get("anna", "regex", "b"));
  EXPECT_TRUE(get("annaregex:", "regex", "a"));
  EXPECT_TRUE(get("anna", "regex", "a"));
  EXPECT_EQ(compiled, 4);
}

TEST(GrammarCacheTest, SchemasWhoseMembersAreInAnotherOrderAreOthers) {
  GrammarCache cache;
  const GrammarSource source(cache, "anna");
  const auto schema = [&](std::string_view text) {
    return source.from_json_schema(nlohmann::ordered_json::parse(text)).value();
  };
  const Grammar::Ptr first = schema(R"({"type": "object", "properties": {"a": {}, "b": {}}})");
  EXPECT_EQ(schema(R"({"type":"object","properties":{"a":{},"b":{}}})"), first);
  EXPECT_NE(schema(R"({"type": "object", "properties": {"b": {}, "a": {}}})"), first);
}

TEST(GrammarCacheTest, RefusesWhatGrammarsRefuseEachTime) {
  GrammarCache cache;
  const GrammarSource source(cache, "anna");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(error_of(source.from_regex("(")), error_of(Grammar::from_regex("(")));
  EXPECT_EQ(cache.bytes(), 0);
}

TEST(GrammarCacheTest, StaysWithinItsBytesAndLetsTheOldestGo) {
  const std::int64_t one = Grammar::from_regex("[a-z]{40}").value()->bytes();
  GrammarCache cache(3 * one + one / 2);
  const GrammarSource source(cache, "anna");
  const auto ask = [&](char first) { return source.from_regex(first + std::string("[a-z]{39}")).value(); };
  const Grammar::Ptr a = ask('a');
  for (const char c : {'b', 'a', 'c', 'a', 'd', 'a', 'e'}) {
    const Grammar::Ptr grammar = ask(c);
    EXPECT_LE(cache.bytes(), 3 * one + one / 2);
    if (c == 'a') {
      EXPECT_EQ(grammar, a);
    }
  }
  GrammarCache tiny(one / 2);
  EXPECT_TRUE(GrammarSource(tiny, "anna").from_regex("[a-z]{40}"));
  EXPECT_EQ(tiny.bytes(), 0);
}

TEST(GrammarCacheThreadTest, ManyAtOnce) {
  GrammarCache cache(20000);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&cache, i] {
      const GrammarSource source(cache, i % 2 == 0 ? "anna" : "bert");
      for (int j = 0; j < 200; ++j) EXPECT_TRUE(source.from_regex(std::string(j % 7 + 1, 'a')));
    });
  }
  threads.clear();
  EXPECT_LE(cache.bytes(), 20000);
}

}  // namespace
}  // namespace aloud
