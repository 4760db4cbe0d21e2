// Tests of the splitter: tags as tokens and as text, every cut, prefilled, never ending, literal.
#include "chat/thought_splitter.h"

#include <gtest/gtest.h>

#include "chat/small_tokenizer.h"

namespace aloud {
namespace {

struct Split {
  std::string thought;
  std::string answer;
  bool operator==(const Split&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Split& split) {
  return out << "thought \"" << split.thought << "\" answer \"" << split.answer << "\"";
}

Split split(const Tokenizer& tokenizer, bool starts_in_thought, std::span<const TokenId> tokens) {
  ThoughtSplitter splitter(tokenizer, starts_in_thought);
  Split result;
  const auto add = [&](const ThoughtSplitter::Text& text) {
    result.thought += text.thought;
    result.answer += text.answer;
  };
  for (const TokenId token : tokens) add(splitter.push(token));
  add(splitter.finish());
  return result;
}

struct SplitCase {
  bool starts_in_thought;
  std::string_view reply;
  Split expected;
};

// What holds for tags of either kind.
const SplitCase kCommonCases[] = {
    {false, "<think>\nhm\n</think>\n\nyes", {"hm", "yes"}},
    {true, "hm\n</think>\n\nyes", {"hm", "yes"}},
    {true, "\n\nhm, 想\n\nmore </think>是", {"hm, 想\n\nmore", "是"}},
    {true, "</think>yes", {"", "yes"}},
    {true, "\n</think>\n\n", {"", ""}},
    {false, "plain answer", {"", "plain answer"}},
    {false, "\n\n  indented", {"", "  indented"}},
    {false, "a < b </ c", {"", "a < b </ c"}},
    {true, "never closed, </thin", {"never closed, </thin", ""}},
    {false, "<think>never closed  \n", {"never closed", ""}},
    {false, "<thin ice", {"", "<thin ice"}},
    {false, "<think>a</think>b <think>c</think> d", {"a", "b <think>c</think> d"}},
    {true, "a</think></think>b", {"a", "b"}},
    {true, "a</think>\n<think>b</think>c", {"a\nb", "c"}},
    {true, "x\n\n</think>\n\n**378**", {"x", "**378**"}},
    {false, "", {"", ""}},
};

TEST(ThoughtSplitter, TagsThatAreTokens) {
  const auto tokenizer = make_thinking_tokenizer();
  for (const SplitCase& one : kCommonCases) {
    EXPECT_EQ(split(*tokenizer, one.starts_in_thought, tokenizer->encode_markup(one.reply)), one.expected)
        << one.reply;
  }
}

TEST(ThoughtSplitter, TagsThatAreText) {
  const auto plain = make_plain_tokenizer();
  ASSERT_EQ(plain->find_markup("<think>"), kNoToken);
  // Without merges every byte is a token, so every cut is tried.
  const auto bytes = make_tokenizer({.control = {"<s>", "</s>"}});
  for (const Tokenizer* tokenizer : {plain.get(), bytes.get()}) {
    for (const SplitCase& one : kCommonCases) {
      EXPECT_EQ(split(*tokenizer, one.starts_in_thought, tokenizer->encode_plain(one.reply)), one.expected)
          << one.reply;
    }
  }
  EXPECT_EQ(split(*plain, true, plain->encode_plain("a</think>A")), (Split{"a", "A"}));  // "> A" is one token
}

TEST(ThoughtSplitter, LiteralTagsInAVocabularyWithTokensAreText) {
  const auto tokenizer = make_thinking_tokenizer();
  std::vector<TokenId> tokens = tokenizer->encode_plain("I write <think> and </think> here");
  EXPECT_EQ(split(*tokenizer, true, tokens), (Split{"I write <think> and </think> here", ""}));
  EXPECT_EQ(split(*tokenizer, false, tokens), (Split{"", "I write <think> and </think> here"}));
  EXPECT_EQ(split(*tokenizer, false, tokenizer->encode_plain("<think>x</think>")),
            (Split{"", "<think>x</think>"}));
}

TEST(ThoughtSplitter, ATagThatTheTemplateWroteAlreadyDoesNotLeak) {
  const auto tokenizer = make_thinking_tokenizer();
  EXPECT_EQ(split(*tokenizer, true, tokenizer->encode_markup("<think>\nhm</think>ok")), (Split{"hm", "ok"}));
  EXPECT_EQ(split(*tokenizer, true, tokenizer->encode_markup("the tag <think> opens</think>ok")),
            (Split{"the tag <think> opens", "ok"}));
  // A thought that was never opened: the line with the lone tag is dropped.
  EXPECT_EQ(split(*tokenizer, false, tokenizer->encode_markup("hm hm\n</think>\n\nok")),
            (Split{"", "hm hm\n\n\nok"}));
}

TEST(ThoughtSplitter, ControlTokensGiveNoText) {
  const auto tokenizer = make_thinking_tokenizer();
  EXPECT_EQ(split(*tokenizer, true, tokenizer->encode_markup("a<｜User｜>b</think><｜Assistant｜>c")),
            (Split{"ab", "c"}));
}

TEST(ThoughtSplitter, HalfCharactersAreHeldBackAndEndAtTags) {
  const auto tokenizer = make_thinking_tokenizer();
  ThoughtSplitter splitter(*tokenizer, true);
  const std::vector<TokenId> half = tokenizer->encode_plain("\xE4\xBD");
  for (const TokenId token : half) EXPECT_EQ(splitter.push(token).thought, "");
  const auto closed = splitter.push(tokenizer->find_markup("</think>"));
  EXPECT_TRUE(is_valid_utf8(closed.thought));
  EXPECT_FALSE(closed.thought.empty());
  EXPECT_FALSE(splitter.in_thought());
}

TEST(ThoughtSplitter, TextComesAsSoonAsItIsCertain) {
  const auto tokenizer = make_thinking_tokenizer();
  ThoughtSplitter splitter(*tokenizer, true);
  EXPECT_EQ(splitter.push('a').thought, "a");
  EXPECT_EQ(splitter.push('<').thought, "<");  // only the token is a tag here
  const auto plain = make_plain_tokenizer();
  ThoughtSplitter careful(*plain, true);
  EXPECT_EQ(careful.push('a').thought, "a");
  EXPECT_EQ(careful.push('<').thought, "");
  EXPECT_EQ(careful.push('b').thought, "<b");
}

TEST(ThoughtSplitter, CountsTheTokensOfTheThought) {
  const auto tokenizer = make_thinking_tokenizer();
  ThoughtSplitter splitter(*tokenizer, true);
  for (const TokenId token : tokenizer->encode_markup("abc</think>\n\nxyz")) splitter.push(token);
  EXPECT_EQ(splitter.thought_tokens(), 4);
  ThoughtSplitter opened(*tokenizer, false);
  for (const TokenId token : tokenizer->encode_markup("<think>ab</think>xyz")) opened.push(token);
  EXPECT_EQ(opened.thought_tokens(), 4);
  const auto bytes = make_tokenizer({.control = {"<s>", "</s>"}});
  ThoughtSplitter text(*bytes, false);
  for (const TokenId token : bytes->encode_plain("<think>ab</think>xyz")) text.push(token);
  EXPECT_EQ(text.thought_tokens(), 7 + 2 + 8);
  ThoughtSplitter none(*bytes, false);
  for (const TokenId token : bytes->encode_plain("<thin ice")) none.push(token);
  EXPECT_EQ(none.thought_tokens(), 0);
}

TEST(ThoughtSplitter, CloseFromOutside) {
  const auto plain = make_plain_tokenizer();
  ThoughtSplitter splitter(*plain, true);
  for (const TokenId token : plain->encode_plain("hm </th")) splitter.push(token);
  EXPECT_EQ(splitter.close().thought, " </th");
  EXPECT_FALSE(splitter.in_thought());
  EXPECT_EQ(splitter.push('x').answer, "x");
}

TEST(ThoughtSplitter, AThoughtThatWasClosedFromOutsideDoesNotOpenAgain) {
  const auto tags = make_thinking_tokenizer();
  const auto text = make_plain_tokenizer();
  for (const Tokenizer* tokenizer : {tags.get(), text.get()}) {
    ThoughtSplitter splitter(*tokenizer, true);
    for (const TokenId token : tokenizer->encode_markup("hm")) splitter.push(token);
    splitter.close();
    std::string answer;
    for (const TokenId token : tokenizer->encode_markup("\n<think>\nmore"))
      answer += splitter.push(token).answer;
    EXPECT_EQ(answer, "more");
    EXPECT_FALSE(splitter.in_thought());
  }
}

TEST(EndsInThought, LooksAtTheEndOfThePrompt) {
  const auto tokenizer = make_thinking_tokenizer();
  const auto open = [&](std::string_view text) {
    return ends_in_thought(*tokenizer, tokenizer->encode_markup(text));
  };
  EXPECT_TRUE(open("<｜User｜>hi<｜Assistant｜><think>\n"));
  EXPECT_TRUE(open("<｜User｜>hi<｜Assistant｜><think>"));
  EXPECT_TRUE(open("<｜Assistant｜><think>\nOkay, so"));
  EXPECT_FALSE(open("<｜User｜>hi<｜Assistant｜>"));
  EXPECT_FALSE(open("<｜Assistant｜><think>\n\n</think>\n\n"));
  EXPECT_FALSE(open("Put thoughts into <think> tags.<｜User｜>hi<｜Assistant｜>"));
  EXPECT_FALSE(ends_in_thought(*tokenizer, tokenizer->encode_plain("<｜Assistant｜><think>\n")));
  EXPECT_FALSE(ends_in_thought(*tokenizer, {}));
}

TEST(EndsInThought, AlsoWhereTheTagIsText) {
  const auto plain = make_plain_tokenizer();
  const auto open = [&](std::string_view text) {
    return ends_in_thought(*plain, plain->encode_markup(text));
  };
  EXPECT_TRUE(open("<|im_start|>assistant\n<think>\n"));
  EXPECT_TRUE(open("<|im_start|>assistant\n<think>"));
  EXPECT_FALSE(open("<|im_start|>assistant\n"));
  EXPECT_FALSE(open("<|im_start|>user\n<think><|im_end|>"));
  EXPECT_FALSE(open("<|im_start|>user\n<think> is a tag"));
  EXPECT_FALSE(open("<|im_start|>assistant\n<think>\n\n</think>\n\n"));
}

}  // namespace
}  // namespace aloud
