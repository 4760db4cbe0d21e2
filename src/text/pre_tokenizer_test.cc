// Tests of the pre-tokenizers: against the published patterns run by another program, and for linear time.
#include "text/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace aloud {
namespace {

class Pieces final : public PieceSink {
 public:
  void take(std::string_view piece) override { all.emplace_back(piece); }
  std::vector<std::string> all;
};

class Joined final : public PieceSink {
 public:
  explicit Joined(std::string_view text) : rest(text) {}
  void take(std::string_view piece) override {
    ASSERT_FALSE(piece.empty());
    ASSERT_TRUE(rest.substr(0, piece.size()) == piece);
    rest.remove_prefix(piece.size());
  }
  std::string_view rest;
};

constexpr const char* kNames[] = {"gpt2",         "qwen2",          "deepseek-r1-qwen", "llama-bpe",
                                  "deepseek-llm", "deepseek-coder", "deepseek-v3"};

TEST(PreTokenizer, SplitsAsThePublishedPatternsDo) {
  std::ifstream file(ALOUD_TEST_DATA "/tokenizers/splits.jsonl");
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const auto row = nlohmann::json::parse(line);
    const PreTokenizer* pre_tokenizer = find_pre_tokenizer(row["pre"].get<std::string>());
    ASSERT_NE(pre_tokenizer, nullptr);
    Pieces pieces;
    pre_tokenizer->split(row["text"].get<std::string>(), pieces);
    EXPECT_EQ(pieces.all, row["pieces"].get<std::vector<std::string>>()) << line;
  }
  EXPECT_GT(rows, 800);
}

TEST(PreTokenizer, MalformedBytesCountAsSymbols) {
  Pieces pieces;
  find_pre_tokenizer("qwen2")->split("ab\xFF\xC3 \x80!c", pieces);
  EXPECT_EQ(pieces.all, (std::vector<std::string>{"ab", "\xFF\xC3", " \x80!", "c"}));
}

TEST(PreTokenizer, NamesOfTheFamilies) {
  for (const char* name : kNames) EXPECT_NE(find_pre_tokenizer(name), nullptr) << name;
  EXPECT_EQ(find_pre_tokenizer("llama3")->stages.data(), find_pre_tokenizer("llama-bpe")->stages.data());
  EXPECT_EQ(find_pre_tokenizer("")->stages.data(), find_pre_tokenizer("gpt-2")->stages.data());
  EXPECT_TRUE(find_pre_tokenizer("llama-bpe")->whole_pieces_first);
  EXPECT_TRUE(find_pre_tokenizer("llama-bpe")->adds_bos);
  EXPECT_FALSE(find_pre_tokenizer("qwen2")->whole_pieces_first);
  EXPECT_EQ(find_pre_tokenizer("no-such-pattern"), nullptr);
}

// Runs that a backtracking matcher would go through once per character: ten megabytes of each take well under
// a second, a square of that would take hours.
TEST(PreTokenizer, LongRunsAreLinear) {
  std::string spaces(2'000'000, ' ');
  std::string lines = "\n" + spaces;
  std::string mixed;
  while (mixed.size() < 2'000'000) mixed += "    \n'  1\u0301.a\xFF";
  const auto start = std::chrono::steady_clock::now();
  for (const char* name : kNames) {
    for (const std::string& text : {spaces + "x", lines + "x", std::string(2'000'000, '\''), mixed}) {
      Joined joined(text);
      find_pre_tokenizer(name)->split(text, joined);
      EXPECT_TRUE(joined.rest.empty()) << name;
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::minutes(5));
}

}  // namespace
}  // namespace aloud
