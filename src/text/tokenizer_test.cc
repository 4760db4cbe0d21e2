// Tests of the tokenizer on a small vocabulary: added tokens and trust, round trips, streams, errors.
#include "text/tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <random>
#include <string>

#include "base/utf8.h"
#include "text/added_tokens.h"
#include "text/test_vocabulary.h"

namespace aloud {
namespace {

std::string joined(const Tokenizer& tokenizer, std::span<const TokenId> ids) {
  std::string text;
  for (const TokenId id : ids) text += tokenizer.bytes(id);
  return text;
}

std::vector<std::string> names(const Tokenizer& tokenizer, std::span<const TokenId> ids) {
  std::vector<std::string> all;
  for (const TokenId id : ids) all.emplace_back(tokenizer.bytes(id));
  return all;
}

using Names = std::vector<std::string>;

TEST(Tokenizer, MarkupOnlyWhereItIsTrusted) {
  const auto tokenizer = TestVocabulary("qwen2").tokenizer();
  const TokenId think = tokenizer->find_markup("<think>");
  ASSERT_NE(think, kNoToken);
  EXPECT_EQ(tokenizer->encode_markup("<think>"), std::vector<TokenId>{think});
  const std::vector<TokenId> plain = tokenizer->encode_plain("<think>");
  EXPECT_GT(plain.size(), 1u);
  EXPECT_EQ(joined(*tokenizer, plain), "<think>");

  const std::string text = "<think><think><think>";
  const auto encode = [&](std::vector<TextSpan> untrusted) {
    std::vector<TokenId> ids;
    tokenizer->encode(text, untrusted, ids);
    EXPECT_EQ(joined(*tokenizer, ids), text);
    return std::count(ids.begin(), ids.end(), think);
  };
  EXPECT_EQ(encode({}), 3);
  EXPECT_EQ(encode({{7, 14}}), 2);
  EXPECT_EQ(encode({{0, 1}, {20, 21}}), 1);
  EXPECT_EQ(encode({{6, 8}}), 1);  // touches the first and the second
  EXPECT_EQ(encode({{0, 21}}), 0);
  EXPECT_EQ(encode({{7, 7}, {14, 14}}), 3);
}

// What a person typed never joins with the template's text to markup, on either side.
TEST(Tokenizer, MarkupDoesNotGrowOutOfAnUntrustedSpan) {
  const auto tokenizer = TestVocabulary("qwen2").tokenizer();
  for (const TextSpan span : {TextSpan{0, 3}, TextSpan{3, 7}, TextSpan{2, 4}}) {
    std::vector<TokenId> ids;
    tokenizer->encode("<think>", {&span, 1}, ids);
    for (const TokenId id : ids) EXPECT_FALSE(tokenizer->is_markup(id));
  }
  // The longest token does not fit before the span, a shorter one does.
  const TextSpan exclamation = {7, 8};
  std::vector<TokenId> ids;
  tokenizer->encode("<think>!", {&exclamation, 1}, ids);
  EXPECT_EQ(names(*tokenizer, ids), (Names{"<think>", "!"}));
  EXPECT_EQ(names(*tokenizer, tokenizer->encode_markup("<think>!")), (Names{"<think>!"}));
}

// The small vocabulary has merges that lead to <|>, a control token.
TEST(Tokenizer, MergesDoNotLeadToMarkup) {
  const auto tokenizer = TestVocabulary("qwen2").tokenizer();
  EXPECT_EQ(names(*tokenizer, tokenizer->encode_plain("<|>")), (Names{"<|", ">"}));
  EXPECT_EQ(names(*tokenizer, tokenizer->encode_markup("<|>")), (Names{"<|>"}));
}

TEST(Tokenizer, OrdinaryAddedTokensCountEverywhere) {
  const auto tokenizer = TestVocabulary("gpt2").tokenizer();
  EXPECT_EQ(names(*tokenizer, tokenizer->encode_plain("höa  \n")), (Names{"h", "ö", "a", "  \n"}));
  EXPECT_EQ(tokenizer->find_markup("ö"), kNoToken);
  const TokenId id = tokenizer->encode_plain("ö").at(0);
  EXPECT_EQ(tokenizer->kind(id), TokenKind::kUserDefined);
  EXPECT_FALSE(tokenizer->is_markup(id));
}

TEST(Tokenizer, UnusedTokensAreNotRecognised) {
  const auto tokenizer = TestVocabulary("gpt2").tokenizer();
  EXPECT_GT(tokenizer->encode_markup("<unused0>").size(), 1u);
  EXPECT_EQ(tokenizer->find_markup("<unused0>"), kNoToken);
}

TEST(Tokenizer, TheShapeOfMarkup) {
  for (const char* name : {"<think>", "</s>", "<｜User｜>", "<|im_end|>", "[INST]", "<fim_prefix>"}) {
    EXPECT_TRUE(has_markup_shape(name)) << name;
  }
  for (const char* name : {"ö", "    ", "<>", "[]", "<", "a", "\n\n", "->", "<-", "|||EMAIL|||"}) {
    EXPECT_FALSE(has_markup_shape(name)) << name;
  }
}

TEST(Tokenizer, EndsOfTurn) {
  TestVocabulary vocabulary("qwen2");
  const TokenId more = vocabulary.add("<|my_end|>", TokenKind::kControl);
  vocabulary.source().more_ends.push_back(more);
  const auto tokenizer = vocabulary.tokenizer();
  const TokenId im_end = tokenizer->find_markup("<|im_end|>");
  EXPECT_TRUE(tokenizer->is_end_of_turn(tokenizer->eos()));
  EXPECT_TRUE(tokenizer->is_end_of_turn(im_end));
  EXPECT_TRUE(tokenizer->is_end_of_turn(more));
  EXPECT_FALSE(tokenizer->is_end_of_turn(tokenizer->find_markup("<think>")));
  EXPECT_FALSE(tokenizer->is_end_of_turn(kNoToken));
  EXPECT_EQ(tokenizer->ends_of_turn().size(), 3u);
  EXPECT_EQ(tokenizer->kind(im_end), TokenKind::kControl);  // whatever the file calls it
}

TEST(Tokenizer, MergesGiveTheExpectedPieces) {
  const auto tokenizer = TestVocabulary("qwen2").tokenizer();
  // "h e" comes before "Ġt h" in the list, and "aa a" before "aa aa".
  EXPECT_EQ(
      names(*tokenizer, tokenizer->encode_plain("hello the hellos aaaaa 123 \n\n")),
      (Names{"hello", " t", "he", " ", "hello", "s", " ", "aa", "aaa", " ", "1", "2", "3", " ", "\n\n"}));
}

TEST(Tokenizer, WholePiecesFirstWhereThePublishedTokenizerDoesSo) {
  TestVocabulary vocabulary("llama-bpe");
  vocabulary.add("oxo", TokenKind::kNormal);
  EXPECT_EQ(names(*vocabulary.tokenizer(), vocabulary.tokenizer()->encode_plain("oxo oxo")),
            (Names{"oxo", " ", "o", "x", "o"}));
  vocabulary.source().pre_tokenizer = "qwen2";
  EXPECT_EQ(vocabulary.tokenizer()->encode_plain("oxo").size(), 3u);
}

TEST(Tokenizer, EveryTextComesBack) {
  std::mt19937 random(11);
  const std::string_view parts[] = {"hello",    " the",
                                    "  ",       "\n",
                                    "\r\n",     "12345",
                                    "aaaa",     "<think>",
                                    "</think>", "<|im_end|>",
                                    "ö",        "é",
                                    "你好",     "😀",
                                    "\u0301",   "\xFF",
                                    "\xC3",     "\xE4\xBD",
                                    "'ll",      "<",
                                    "｜",       std::string_view("\0", 1),
                                    "!?",       "\t",
                                    "\u3000"};
  for (const char* name : {"gpt2", "qwen2", "llama-bpe", "deepseek-llm", "deepseek-coder", "deepseek-v3"}) {
    const auto tokenizer = TestVocabulary(name).tokenizer();
    for (int round = 0; round < 300; ++round) {
      std::string text;
      const int count = round < 290 ? round % 40 : 3000;
      for (int i = 0; i < count; ++i) text += parts[random() % std::size(parts)];
      ASSERT_EQ(joined(*tokenizer, tokenizer->encode_plain(text)), text);
      ASSERT_EQ(joined(*tokenizer, tokenizer->encode_markup(text)), text);
    }
  }
}

// What is remembered of a text must not change what becomes of it.
TEST(Tokenizer, ALongTextIsItsParts) {
  const auto tokenizer = TestVocabulary("qwen2").tokenizer();
  std::mt19937 random(3);
  std::string text;
  std::vector<TokenId> expected;
  for (int i = 0; i < 20000; ++i) {
    std::string line = "\n";
    for (unsigned letters = random() % 5 + 1; letters > 0; --letters)
      line += static_cast<char>('a' + random() % 16);
    line += i % 50 == 0 ? std::string(200, 'a') : "!";
    text += line;
    const std::vector<TokenId> ids = tokenizer->encode_plain(line);
    expected.insert(expected.end(), ids.begin(), ids.end());
  }
  EXPECT_EQ(tokenizer->encode_plain(text), expected);
}

TEST(Tokenizer, AppendsToWhatIsThere) {
  const auto tokenizer = TestVocabulary("qwen2").tokenizer();
  std::vector<TokenId> ids = {7};
  tokenizer->encode("", {}, ids);
  EXPECT_EQ(ids, std::vector<TokenId>{7});
  tokenizer->encode("a", {}, ids);
  EXPECT_EQ(ids.size(), 2u);
  EXPECT_EQ(ids[0], 7);
}

// Linear time: a square of this size would take hours. The figures themselves are measured elsewhere.
TEST(Tokenizer, LongTextsOfOneKindEnd) {
  const auto start = std::chrono::steady_clock::now();
  for (const char* name : {"gpt2", "llama-bpe", "deepseek-llm", "deepseek-v3"}) {
    const auto tokenizer = TestVocabulary(name).tokenizer();
    for (const std::string_view part : {"a", "abcdefghij", "1", " ", "\n", " \n", "!?.", "你", "😀", "e\u0301",
                                        "\u0301", "\xFF\xC3", "<", "<think>", "<thin", "'s", "  \n"}) {
      std::string text;
      while (text.size() < 300'000) text += part;
      ASSERT_EQ(joined(*tokenizer, tokenizer->encode_plain(text)), text);
      ASSERT_EQ(joined(*tokenizer, tokenizer->encode_markup(text)), text);
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::minutes(5));
}

TEST(Tokenizer, BytesThatTheVocabularyLacksAreReplaced) {
  const auto tokenizer = TestVocabulary("qwen2", /*all_bytes=*/false).tokenizer();
  EXPECT_EQ(joined(*tokenizer, tokenizer->encode_plain("a\xFFz\xC3")), "a\uFFFDz\xC3");
}

TEST(Tokenizer, PiecesThatAreNotInTheAlphabetAreTheirOwnBytes) {
  TestVocabulary vocabulary("qwen2");
  const TokenId id = vocabulary.add("你 好", TokenKind::kNormal);
  EXPECT_EQ(vocabulary.tokenizer()->bytes(id), "你 好");
}

std::string error_of(TestVocabulary& vocabulary) {
  const auto result = Tokenizer::create(vocabulary.source());
  return result ? "none" : result.error().message;
}

TEST(Tokenizer, RefusesWhatItCannotDo) {
  const auto expect = [](const char* what, const auto& change) {
    TestVocabulary vocabulary("qwen2");
    change(vocabulary);
    EXPECT_NE(error_of(vocabulary).find(what), std::string::npos) << error_of(vocabulary);
  };
  expect("none", [](TestVocabulary&) {});
  expect("\"tek\\x1bken\"", [](TestVocabulary& v) { v.source().pre_tokenizer = "tek\x1bken"; });
  expect("no pieces", [](TestVocabulary& v) { v.source().pieces.clear(); });
  expect("token types", [](TestVocabulary& v) { v.source().kinds.pop_back(); });
  expect("EOS token is 100000", [](TestVocabulary& v) { v.source().eos = 100000; });
  expect("BOS token is -2", [](TestVocabulary& v) { v.source().bos = -2; });
  expect("end-of-turn token is 4096", [](TestVocabulary& v) { v.source().more_ends = {4096}; });
  expect("not two pieces", [](TestVocabulary& v) { v.source().merges.push_back("ab"); });
  expect("the first part is not", [](TestVocabulary& v) { v.source().merges.push_back("zq a"); });
  expect("the second part is not", [](TestVocabulary& v) { v.source().merges.push_back("a zq"); });
  expect("the result is not", [](TestVocabulary& v) { v.source().merges.push_back("z q"); });
  expect("alphabet", [](TestVocabulary& v) { v.source().merges.push_back("你 a"); });
  expect("empty", [](TestVocabulary& v) { v.source().merges.push_back("a "); });
}

TEST(StreamDecoder, NeverGivesHalfACharacter) {
  const auto tokenizer = TestVocabulary("qwen2").tokenizer();
  StreamDecoder decoder(*tokenizer);
  std::string text;
  for (const char c : std::string_view("aé你😀\xFF!")) {
    const std::string part = decoder.push(tokenizer->encode_plain({&c, 1}).at(0));
    EXPECT_TRUE(is_valid_utf8(part));
    text += part;
  }
  EXPECT_EQ(text + decoder.finish(), "aé你😀\uFFFD!");
  EXPECT_EQ(decoder.finish(), "");
}

TEST(StreamDecoder, MarkupEndsACharacterAndControlTokensSayNothing) {
  const auto tokenizer = TestVocabulary("qwen2").tokenizer();
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(tokenizer->encode_plain("\xE4").at(0)), "");
  EXPECT_EQ(decoder.push(tokenizer->find_markup("<think>")), "\uFFFD<think>");
  EXPECT_EQ(decoder.push(tokenizer->eos()), "");
  EXPECT_EQ(decoder.push(tokenizer->encode_plain("\xF0").at(0)), "");
  EXPECT_EQ(decoder.finish(), "\uFFFD");
}

}  // namespace
}  // namespace aloud
