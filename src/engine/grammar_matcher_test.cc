// Tests of the masks: of small and of published vocabularies, token by token against the bytes themselves.
#include "engine/grammar_matcher.h"

#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/grammar_testing.h"
#include "engine/vocabulary.h"

namespace aloud {
namespace {

constexpr const char* kSchema =
    R"({"type": "object", "required": ["name", "list"], "additionalProperties": false,
    "properties": {"name": {"type": "string", "maxLength": 12}, "list": {"type": "array", "items": {"$ref": "#"}},
                   "value": {"type": "number", "minimum": -3.5, "maximum": 1200}}})";

// What allowed() must say, by trying every token.
void expect_exact(GrammarMatcher& matcher, const Tokenizer& tokenizer, const Grammar::Ptr& grammar,
                  const GrammarVocabulary& vocabulary, const std::string& text) {
  const TokenMask mask = matcher.allowed();
  for (TokenId token = 0; token < tokenizer.size(); ++token) {
    GrammarMatcher trial(grammar, vocabulary);
    ASSERT_TRUE(trial.accept_text(text));
    ASSERT_EQ(mask.allows(token), trial.accept(token)) << text << " + " << tokenizer.bytes(token);
  }
}

TEST(GrammarMatcher, MasksAllowExactlyWhatCanBeTaken) {
  const SmallVocabulary small;
  const std::vector<Result<Grammar::Ptr>> grammars = {
      schema_grammar(kSchema), Grammar::from_any_json(), Grammar::from_regex("(hell|o the){2,5}( +|aaa)*你?"),
      Grammar::from_gbnf("root ::= \"<\" root \">\" | \"aaaa\"* \"12\" [0-9]* | \"th\" root \"ink\"")};
  std::mt19937 random(1);
  for (const auto& grammar : grammars) {
    ASSERT_TRUE(grammar) << grammar.error().message;
    GrammarMatcher matcher(*grammar, small.vocabulary);
    std::string text;
    for (int step = 0; step < 40; ++step) {
      expect_exact(matcher, *small.tokenizer, *grammar, small.vocabulary, text);
      std::vector<TokenId> allowed;
      for (TokenId token = 0; token < small.tokenizer->size(); ++token) {
        if (matcher.allowed().allows(token) && !small.tokenizer->is_end_of_turn(token))
          allowed.push_back(token);
      }
      if (allowed.empty()) break;
      const TokenId token = allowed[random() % allowed.size()];
      ASSERT_TRUE(matcher.accept(token));
      text += small.tokenizer->bytes(token);
    }
  }
}

TEST(GrammarMatcher, MarkupIsNeverAllowedAndEndsOnlyWhereTheTextMayEnd) {
  const SmallVocabulary small;
  const Tokenizer& tokenizer = *small.tokenizer;
  const auto grammar = Grammar::from_regex("[^]*!");
  ASSERT_TRUE(grammar);
  GrammarMatcher matcher(*grammar, small.vocabulary);
  for (const char* name : {"<think>", "</think>", "<think>!", "<|>", "<｜begin▁of▁sentence｜>"}) {
    EXPECT_FALSE(matcher.allowed().allows(tokenizer.find_markup(name))) << name;
    EXPECT_FALSE(matcher.accept(tokenizer.find_markup(name))) << name;
  }
  EXPECT_FALSE(matcher.complete());
  EXPECT_FALSE(matcher.accept(tokenizer.eos()));
  EXPECT_TRUE(matcher.accept_text("<think>!"));  // the letters are text
  EXPECT_TRUE(matcher.complete());
  EXPECT_FALSE(matcher.must_end());
  for (const TokenId end : tokenizer.ends_of_turn()) EXPECT_TRUE(matcher.allowed().allows(end));
  EXPECT_FALSE(matcher.accept(-1));
  EXPECT_FALSE(matcher.accept(tokenizer.size()));
  EXPECT_TRUE(matcher.accept(tokenizer.eos()));
  EXPECT_TRUE(matcher.must_end());
  EXPECT_FALSE(matcher.accept(tokenizer.eos()));
  EXPECT_FALSE(matcher.accept_text("!"));
  for (const std::uint64_t word : matcher.allowed().words()) EXPECT_EQ(word, 0u);
}

TEST(GrammarMatcher, KnowsWhereNothingMayFollow) {
  const SmallVocabulary small;
  const auto grammar = schema_grammar(kSchema);
  ASSERT_TRUE(grammar);
  GrammarMatcher matcher(*grammar, small.vocabulary);
  EXPECT_FALSE(matcher.accept_text("{\"name\": 1"));
  EXPECT_TRUE(matcher.accept_text("{\"name\": \"x\", \"list\": [{\"name\":\"\",\"list\":[]}]"));
  EXPECT_FALSE(matcher.must_end());
  EXPECT_TRUE(matcher.accept_text("}"));
  EXPECT_TRUE(matcher.complete() && matcher.must_end());
}

TEST(GrammarMatcher, DeepNestingCostsNoMoreThanItsDepth) {
  const SmallVocabulary small;
  const auto grammar = Grammar::from_any_json();
  GrammarMatcher matcher(*grammar, small.vocabulary);
  const std::string open(20'000, '['), close(20'000, ']');
  ASSERT_TRUE(matcher.accept_text(open));
  EXPECT_TRUE(matcher.allowed().allows(small.tokenizer->encode_plain("]").at(0)));
  ASSERT_TRUE(matcher.accept_text(close));
  EXPECT_TRUE(matcher.complete() && matcher.must_end());
}

// A cache that holds nearly nothing gives the same masks.
TEST(GrammarMatcher, MasksDoNotDependOnTheCache) {
  const SmallVocabulary small;
  const GrammarVocabulary forgetful(*small.tokenizer, 1);
  const auto grammar = schema_grammar(kSchema);
  ASSERT_TRUE(grammar);
  GrammarMatcher one(*grammar, small.vocabulary), other(*grammar, forgetful);
  for (const TokenId token :
       small.tokenizer->encode_plain(R"({"name": "hello the", "list": [], "value": 12})")) {
    ASSERT_TRUE(std::ranges::equal(one.allowed().words(), other.allowed().words()));
    ASSERT_TRUE(one.accept(token) && other.accept(token));
  }
}

TEST(GrammarMatcher, ThreadsShareAVocabulary) {
  const SmallVocabulary small;
  const GrammarVocabulary forgetful(*small.tokenizer, 20'000);
  const auto grammar = schema_grammar(kSchema);
  ASSERT_TRUE(grammar);
  std::vector<std::thread> threads;
  std::vector<int> taken(4);
  for (std::size_t i = 0; i < taken.size(); ++i) {
    threads.emplace_back([&, i] {
      forgetful.prepare(**grammar, 0.01);
      for (int round = 0; round < 20; ++round) {
        GrammarMatcher matcher(*grammar, forgetful);
        for (const TokenId token : small.tokenizer->encode_plain(R"({"name": "hello", "list": []})"))
          taken[i] += matcher.allowed().allows(token) && matcher.accept(token);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(taken[0], 0);
  for (const int count : taken) EXPECT_EQ(count, taken[0]);
}

// Every text token of a published vocabulary, in a string and in between.
TEST(GrammarMatcher, MasksOfAPublishedVocabularyAreExact) {
  const auto file = GgufFile::open(ALOUD_TEST_DATA "/tokenizers/qwen2.gguf");
  ASSERT_TRUE(file);
  const auto tokenizer = load_tokenizer(*file);
  ASSERT_TRUE(tokenizer);
  const GrammarVocabulary vocabulary(**tokenizer);
  const auto grammar = Grammar::from_any_json();
  for (const char* text : {"", "[\"a", "{\"a\": [1, {\"b", "[[1", "{\"a\":\"\\", "[\"\xE4"}) {
    GrammarMatcher matcher(*grammar, vocabulary);
    ASSERT_TRUE(matcher.accept_text(text)) << text;
    const TokenMask& mask = matcher.allowed();
    GrammarWalker walker(**grammar);
    for (TokenId token = 0; token < (*tokenizer)->size(); token += 7) {
      const std::string_view bytes = vocabulary.text_of(token);
      std::vector<GrammarThread> threads{{(*grammar)->begin(), kNoFrame}};
      const std::string whole = fmt::format("{}{}", text, bytes);
      for (const char byte : whole) {
        const std::size_t count = threads.size();
        walker.step(threads, 0, count, static_cast<std::uint8_t>(byte));
        threads.erase(threads.begin(), threads.begin() + static_cast<std::ptrdiff_t>(count));
      }
      const bool expected = !bytes.empty() && bytes.size() <= kLongestGrammarToken && !threads.empty();
      ASSERT_EQ(mask.allows(token) && !(*tokenizer)->is_end_of_turn(token), expected)
          << text << " + " << bytes;
    }
  }
}

}  // namespace
}  // namespace aloud
