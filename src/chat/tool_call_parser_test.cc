// Tests of finding calls: three syntaxes, every cut, tags as tokens and as text, what is broken, what only
// looks like a call.
#include "chat/tool_call_parser.h"

#include <gtest/gtest.h>

#include <optional>

#include "chat/small_tokenizer.h"

namespace aloud {
namespace {

const std::vector<std::string> kTools = {"get_weather", "get_time", "a.b/c"};

std::unique_ptr<Tokenizer> tokenizer_with_tags() {
  return make_tokenizer(
      {.control = {"<s>", "</s>", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>",
                   "<｜tool▁call▁end｜>", "<｜tool▁sep｜>", "<|python_tag|>"},
       .markup = {"<tool_call>", "</tool_call>"}});
}

std::unique_ptr<Tokenizer> tokenizer_without_tags() { return make_tokenizer({.control = {"<s>", "</s>"}}); }

// "text[name arguments]text"; a call that did not end has no bracket.
std::string told(const std::vector<AnswerPiece>& pieces) {
  std::string out;
  for (const AnswerPiece& piece : pieces) {
    switch (piece.kind) {
      case AnswerPiece::Kind::kText:
      case AnswerPiece::Kind::kArguments:
        EXPECT_FALSE(piece.text.empty());
        EXPECT_TRUE(is_valid_utf8(piece.text)) << piece.text;
        out += piece.text;
        break;
      case AnswerPiece::Kind::kCall:
        out += "[" + piece.text + " ";
        break;
      case AnswerPiece::Kind::kCallEnd:
        out += "]";
    }
  }
  return out;
}

// Pushes the answer in pieces of so many characters; tags that are tokens come alone.
std::string parse(ToolSyntax syntax, const Tokenizer& tokenizer, std::string_view answer, std::size_t step) {
  ToolCallParser parser(syntax, tokenizer, kTools);
  std::vector<AnswerPiece> all;
  const auto add = [&](std::vector<AnswerPiece> pieces) {
    std::ranges::move(pieces, std::back_inserter(all));
  };
  StreamDecoder decoder(tokenizer);
  std::string text;
  std::size_t characters = 0;
  for (const TokenId token : tokenizer.encode_markup(answer)) {
    if (parser.is_tag(token)) {
      if (!text.empty()) add(parser.push(std::exchange(text, {})));
      add(parser.push_tag(token));
      continue;
    }
    const std::string piece = decoder.push(token);
    text += piece;
    if (!piece.empty() && ++characters % step == 0) add(parser.push(std::exchange(text, {})));
  }
  if (!text.empty()) add(parser.push(text));
  add(parser.finish());
  return told(all);
}

struct CallCase {
  std::string_view answer;
  std::string_view expected;
};

void expect_all(ToolSyntax syntax, std::span<const CallCase> cases) {
  const auto with = tokenizer_with_tags(), without = tokenizer_without_tags();
  for (const CallCase& one : cases) {
    for (const Tokenizer* tokenizer : {with.get(), without.get()}) {
      for (const std::size_t step : {1, 2, 3, 5, 7, 11, 1000}) {
        EXPECT_EQ(parse(syntax, *tokenizer, one.answer, step), one.expected)
            << one.answer << " in pieces of " << step << (tokenizer == with.get() ? ", tags are tokens" : "");
      }
    }
  }
}

TEST(ToolCallParser, Hermes) {
  const CallCase cases[] = {
      {"plain answer", "plain answer"},
      {"a <b> c\n\n  d  \n", "a <b> c\n\n  d  \n"},
      {"<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"巴黎 }\\\"{\"}}\n</tool_call>",
       "[get_weather {\"city\": \"巴黎 }\\\"{\"}]"},
      {"Let me look.\n\n<tool_call>\n{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>",
       "Let me look.[get_time {}]"},
      {"<tool_call>{\"name\":\"get_time\",\"arguments\":{\"a\":[{}]}}</tool_call>\n"
       "<tool_call>{\"name\":\"a.b/c\",\"arguments\":{\"b\":2}}</tool_call>\n",
       "[get_time {\"a\":[{}]}][a.b/c {\"b\":2}]"},
      // In another order, with other keys, without arguments, with arguments as text.
      {"<tool_call>{\"arguments\": {\"x\": 1}, \"id\": 7, \"name\": \"get_time\"}</tool_call>",
       "[get_time {\"x\": 1}]"},
      {"<tool_call>{\"type\": \"function\", \"name\": \"get_time\"}</tool_call>", "[get_time {}]"},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": null}</tool_call>", "[get_time {}]"},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": \"{\\\"x\\\": 1}\"}</tool_call>",
       "[get_time {\"x\": 1}]"},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": {\"x\": 1}, \"id\": \"7\"}</tool_call>",
       "[get_time {\"x\": 1}]"},
      // Ends that are missing.
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": {}}", "[get_time {}]"},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": {}}\n<tool_call>{\"name\": \"get_weather\", "
       "\"arguments\": {}}",
       "[get_time {}][get_weather {}]"},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": {}}\nI wait.", "[get_time {}]I wait."},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>\n\nI wait.",
       "[get_time {}]I wait."},
      // Arguments that break: the call stays, as the model wrote it.
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": {\"x\": [1, 2", "[get_time {\"x\": [1, 2]"},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": {\"x\": 1</tool_call>ok",
       "[get_time {\"x\": 1]ok"},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": {\"x\": \"1\n</tool_call>ok",
       "[get_time {\"x\": \"1\n]ok"},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": {\"x\": <b>}}</tool_call>",
       "[get_time {\"x\": <b>}]"},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": {\"x\": \"</tool_call>\"}}</tool_call>",
       "[get_time {\"x\": \"</tool_call>\"}]"},
      // What is broken before is text: no name, another name, no object.
      {"<tool_call>{\"name\": get_time}</tool_call>", "<tool_call>{\"name\": get_time}</tool_call>"},
      {"<tool_call>{\"name\": \"rm\", \"arguments\": {}}</tool_call>",
       "<tool_call>{\"name\": \"rm\", \"arguments\": {}}</tool_call>"},
      {"<tool_call>{\"name\": \"get_time\", \"arguments\": [1]}</tool_call>",
       "<tool_call>{\"name\": \"get_time\", \"arguments\": [1]}</tool_call>"},
      {"<tool_call>get_time()</tool_call>", "<tool_call>get_time()</tool_call>"},
      {"<tool_call>\n{\"name\": \"get_ti", "<tool_call>\n{\"name\": \"get_ti"},
      {"<tool_call>\n<tool_call>{\"name\": \"get_time\", \"arguments\": {}}</tool_call>",
       "<tool_call>[get_time {}]"},
      {"<tool", "<tool"},
      // In a block of code it is an example.
      {"Like so:\n```\n<tool_call>\n{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>\n```\nSee?",
       "Like so:\n```\n<tool_call>\n{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>\n```\nSee?"},
      {"```\ncode\n```\n<tool_call>\n{\"name\": \"get_time\", \"arguments\": {}}\n</tool_call>",
       "```\ncode\n```[get_time {}]"},
  };
  expect_all(ToolSyntax::kHermes, cases);
}

TEST(ToolCallParser, TagsInTheMiddleOfALineCountAsTokensOnly) {
  const std::string answer = "I write <tool_call>{\"name\": \"get_time\", \"arguments\": {}}</tool_call>";
  EXPECT_EQ(parse(ToolSyntax::kHermes, *tokenizer_with_tags(), answer, 1), "I write[get_time {}]");
  EXPECT_EQ(parse(ToolSyntax::kHermes, *tokenizer_without_tags(), answer, 1), answer);
}

TEST(ToolCallParser, Llama) {
  const CallCase cases[] = {
      {"plain {answer}", "plain {answer}"},
      {"{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}",
       "[get_weather {\"city\": \"Paris\"}]"},
      {"\n<|python_tag|>{\"name\": \"get_weather\", \"parameters\": {\"city\": \"Paris\"}}",
       "[get_weather {\"city\": \"Paris\"}]"},
      {"{\"type\": \"function\", \"name\": \"get_time\", \"parameters\": {}}", "[get_time {}]"},
      {"{\"name\": \"get_time\", \"parameters\": {}}; {\"name\": \"get_weather\", \"parameters\": {\"x\": "
       "{}}}",
       "[get_time {}][get_weather {\"x\": {}}]"},
      {"{\"name\": \"get_time\", \"parameters\": {}}\n<|python_tag|>", "[get_time {}]<|python_tag|>"},
      {"{\"name\": \"get_time\"}\n{\"parameters\": {\"x\": 1}, \"name\": \"get_weather\"}",
       "[get_time {}][get_weather {\"x\": 1}]"},
      {"{\"name\": \"get_time\", \"parameters\": {}} is what I need", "[get_time {}]is what I need"},
      {"{\"name\": \"get_time\", \"parameters\": {\"x\": ", "[get_time {\"x\": ]"},
      // An answer that happens to be JSON, and one that mentions a call.
      {"{\"name\": \"Bob\", \"parameters\": {}}", "{\"name\": \"Bob\", \"parameters\": {}}"},
      {"{\"city\": \"Paris\", \"name\": \"get_time\"}", "{\"city\": \"Paris\", \"name\": \"get_time\"}"},
      {"{\"name\": \"get_time\", \"parameters\": 5}", "{\"name\": \"get_time\", \"parameters\": 5}"},
      {"Use {\"name\": \"get_time\", \"parameters\": {}}",
       "Use {\"name\": \"get_time\", \"parameters\": {}}"},
      {"Use\n{\"name\": \"get_time\", \"parameters\": {}}",
       "Use\n{\"name\": \"get_time\", \"parameters\": {}}"},
      {"```\n{\"name\": \"get_time\", \"parameters\": {}}\n```",
       "```\n{\"name\": \"get_time\", \"parameters\": {}}\n```"},
      {"{", "{"},
  };
  expect_all(ToolSyntax::kLlama, cases);
}

TEST(ToolCallParser, DeepSeek) {
  const std::string r1 =
      "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n{\"city\": "
      "\"巴黎\"}\n"
      "```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_time\n```json\n{}\n```<"
      "｜tool▁call▁end｜>"
      "<｜tool▁calls▁end｜>";
  const std::string v31 =
      "I look.<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{\"city\": "
      "\"巴黎\"}<｜tool▁call▁end｜>"
      "<｜tool▁call▁begin｜>get_time<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>";
  const CallCase cases[] = {
      {"plain <｜tool answer", "plain <｜tool answer"},
      {r1, "[get_weather {\"city\": \"巴黎\"}][get_time {}]"},
      {"<｜tool▁call▁begin｜>function<｜tool▁sep｜>get_time\n{}", "[get_time {}]"},
      {"<｜tool▁calls▁begin｜>\n<｜tool▁call▁begin｜>get_time<｜tool▁sep｜>{\"x\": "
       "1<｜tool▁call▁end｜><｜tool▁calls▁end｜> ok",
       "[get_time {\"x\": 1]ok"},
      {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_time<｜tool▁sep｜>{}<｜tool▁calls▁end｜>",
       "[get_time {}]"},
      {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>rm<｜tool▁sep｜>{}",
       "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>rm<｜tool▁sep｜>{}"},
      {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_time<｜tool▁sep｜>",
       "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_time<｜tool▁sep｜>"},
      {"<｜tool▁calls▁begin｜> opens calls", "<｜tool▁calls▁begin｜> opens calls"},
  };
  for (const ToolSyntax syntax : {ToolSyntax::kDeepSeekR1, ToolSyntax::kDeepSeekV31})
    expect_all(syntax, cases);
  const std::string called = "[get_weather {\"city\": \"巴黎\"}][get_time {}]";
  EXPECT_EQ(parse(ToolSyntax::kDeepSeekV31, *tokenizer_with_tags(), v31, 1), "I look." + called);
  EXPECT_EQ(parse(ToolSyntax::kDeepSeekV31, *tokenizer_without_tags(), v31, 1), "I look." + called);
  // A control token closes a call even inside a string that was left open.
  EXPECT_EQ(parse(ToolSyntax::kDeepSeekV31, *tokenizer_with_tags(),
                  "<｜tool▁call▁begin｜>get_time<｜tool▁sep｜>{\"x\": \"1<｜tool▁call▁end｜>ok", 1),
            "[get_time {\"x\": \"1]ok");
}

TEST(ToolCallParser, ArgumentsComeAsTheyAreWritten) {
  const auto tokenizer = tokenizer_without_tags();
  ToolCallParser parser(ToolSyntax::kHermes, *tokenizer, kTools);
  EXPECT_EQ(told(parser.push("<tool_call>{\"name\": \"get_time\", \"arguments\": ")), "");
  EXPECT_EQ(told(parser.push("{\"a")), "[get_time {\"a");
  EXPECT_EQ(told(parser.push("\": 1}")), "\": 1}");
  EXPECT_EQ(told(parser.push("}\n</tool_call>")), "]");
  EXPECT_EQ(told(parser.finish()), "");
}

TEST(ToolCallParser, WhatCanBeNoCallIsNotHeldBack) {
  const auto tokenizer = tokenizer_without_tags();
  ToolCallParser llama(ToolSyntax::kLlama, *tokenizer, kTools);
  EXPECT_EQ(told(llama.push("{\"city\"")), "{\"city\"");
  ToolCallParser hermes(ToolSyntax::kHermes, *tokenizer, kTools);
  EXPECT_EQ(told(hermes.push("x\n<tooth")), "x\n<tooth");
  // An endless beginning is given up.
  ToolCallParser endless(ToolSyntax::kHermes, *tokenizer, kTools);
  const std::string text = "<tool_call>{\"name\": \"" + std::string(10'000, 'x');
  EXPECT_EQ(told(endless.push(text)), text);
}

// Whatever comes, nothing is lost but tags and white space around calls, and every call ends.
TEST(ToolCallParser, RandomAnswers) {
  const std::vector<std::string> parts = {"<tool_call>",
                                          "</tool_call>",
                                          "{\"name\": \"get_time\", ",
                                          "\"arguments\": ",
                                          "{",
                                          "}",
                                          "\"",
                                          "\\",
                                          "\n",
                                          "```",
                                          "<",
                                          "get_time",
                                          "<｜tool▁calls▁begin｜>",
                                          "<｜tool▁call▁begin｜>",
                                          "<｜tool▁sep｜>",
                                          "<｜tool▁call▁end｜>",
                                          "<|python_tag|>",
                                          "; ",
                                          "想"};
  const auto with = tokenizer_with_tags(), without = tokenizer_without_tags();
  std::uint64_t state = 1;
  for (int round = 0; round < 3000; ++round) {
    std::string answer;
    for (int i = 0; i < 12; ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      answer += parts[(state >> 33) % parts.size()];
    }
    for (const ToolSyntax syntax : {ToolSyntax::kHermes, ToolSyntax::kLlama, ToolSyntax::kDeepSeekR1}) {
      for (const Tokenizer* tokenizer : {with.get(), without.get()}) {
        const std::string whole = parse(syntax, *tokenizer, answer, 1000);
        EXPECT_EQ(parse(syntax, *tokenizer, answer, 1), whole) << answer;
        const auto calls = std::ranges::count(whole, '['), ends = std::ranges::count(whole, ']');
        EXPECT_EQ(calls, ends) << answer;
      }
    }
  }
}

}  // namespace
}  // namespace aloud
