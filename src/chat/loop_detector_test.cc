// Tests of circles: texts that go round are found in time, texts that only look repetitive never.
#include "chat/loop_detector.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace aloud {
namespace {

// Words, each with the space before it, as vocabularies cut them; or single bytes, as small ones do.
std::vector<std::string> cut(std::string_view text, bool bytes) {
  std::vector<std::string> pieces;
  for (const char c : text) {
    const bool joins = !bytes && !pieces.empty() &&
                       (std::isalnum(static_cast<unsigned char>(c)) || c & 0x80) &&
                       pieces.back().back() != '\n' && pieces.back().size() < 8;
    if (joins) {
      pieces.back() += c;
    } else {
      pieces.emplace_back(1, c);
    }
  }
  return pieces;
}

// After how many tokens a circle is found; 0: never.
std::int64_t found_after(const LoopDetector::Limits& limits, std::string_view text, bool bytes = false) {
  LoopDetector detector(limits);
  std::map<std::string, TokenId> ids;
  std::int64_t count = 0;
  for (const std::string& piece : cut(text, bytes)) {
    ++count;
    const TokenId id = ids.try_emplace(piece, static_cast<TokenId>(ids.size())).first->second;
    if (detector.push(id, piece)) return count;
  }
  return 0;
}

std::string times(int count, const std::function<std::string(int)>& line) {
  std::string text;
  for (int i = 0; i < count; ++i) text += line(i);
  return text;
}

TEST(LoopDetector, FindsWhatRepeatsExactly) {
  const std::string before = "Okay, so the user asks how many apples there are. I add five and seven.\n";
  const std::string_view circles[] = {
      "Wait, let me check that again. ",
      "the ",
      "Hmm, that is not right either, so let me start over with the first equation and substitute. ",
      "等等，让我再检查一遍。",
      "But wait.\n\nIs it 12?\nYes, 12.\n\n",
      "So the answer is 12. Let me verify: 5 + 7 = 12. Yes. ",
  };
  for (const std::string_view circle : circles) {
    const std::string text = before + times(1000, [&](int) { return std::string(circle); });
    for (const bool bytes : {false, true}) {
      const std::int64_t thought = found_after(LoopDetector::kThought, text, bytes);
      const std::int64_t answer = found_after(LoopDetector::kAnswer, text, bytes);
      EXPECT_GT(thought, 128) << circle;
      EXPECT_LT(thought, 1400) << circle;
      EXPECT_GE(answer, 512) << circle;
      EXPECT_LT(answer, 2000) << circle;
    }
  }
}

TEST(LoopDetector, FindsLongPeriods) {
  // A paragraph of several hundred tokens, over and over.
  const std::string paragraph =
      times(70, [](int i) { return fmt::format("Case {} needs another look. ", i); });
  const std::int64_t tokens = std::ssize(cut(paragraph, false));
  ASSERT_GT(tokens, 300);
  ASSERT_LE(tokens, LoopDetector::kLongestPeriod);
  const std::string text = times(6, [&](int) { return paragraph; });
  EXPECT_NEAR(static_cast<double>(found_after(LoopDetector::kThought, text)),
              4.0 * static_cast<double>(tokens), 8);
  EXPECT_EQ(found_after(LoopDetector::kThought, times(3, [&](int) { return paragraph; })), 0);
}

TEST(LoopDetector, FindsSentencesThatReturnInChangingOrder) {
  const std::string_view sentences[] = {
      "Wait, maybe I should try another approach. ", "Let me think about the triangle again.\n",
      "But that contradicts what I found before.\n\n", "So the angle must be ninety degrees. ",
      "Hmm, is that really what the problem says? "};
  std::uint64_t state = 7;
  const std::string text = times(400, [&](int) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return std::string(sentences[(state >> 33) % std::size(sentences)]);
  });
  const std::int64_t thought = found_after(LoopDetector::kThought, text);
  EXPECT_GT(thought, 128);
  EXPECT_LT(thought, 800);
  EXPECT_GT(found_after(LoopDetector::kAnswer, text), thought);
}

TEST(LoopDetector, FindsEndlessDigitsLate) {
  const std::string thirds = "1/3 = 0." + times(3000, [](int) { return std::string("3"); });
  EXPECT_GE(found_after(LoopDetector::kThought, thirds, true), LoopDetector::kPatternTokens);
}

TEST(LoopDetector, LeavesWhatOnlyLooksRepetitive) {
  struct Case {
    std::string_view what;
    std::string text;
  };
  const Case cases[] = {
      {"products", times(300, [](int i) { return fmt::format("27*{}={}\n", i, 27 * i); })},
      {"a product, digit by digit", times(40,
                                          [](int i) {
                                            return fmt::format("{}*4={}, write {} carry {}\n", i, 4 * i,
                                                               4 * i % 10, 4 * i / 10);
                                          })},
      {"numbers", times(200, [](int i) { return fmt::format("{}, ", i + 1); })},
      {"a list",
       times(200, [](int i) { return fmt::format("{}. item number {} of the list\n", i + 1, i + 1); })},
      {"cases one by one",
       times(200, [](int i) { return fmt::format("Check {}: it is not divisible by 7, so go on.\n", i); })},
      {"a table",
       "| name | age | is a member |\n|------|-----|-------------|\n" +
           times(60, [](int i) { return fmt::format("| person {} | {} | yes |\n", i, 20 + i % 5); })},
      {"a table of crosses", times(30, [](int) { return std::string("| x |   | x | o |   | x |\n"); })},
      {"a matrix of zeros",
       times(16, [](int) { return times(16, [](int) { return std::string("0 "); }) + "\n"; })},
      {"a ruler", std::string(400, '-') + "\n" + std::string(400, '=')},
      {"bits", times(100, [](int i) { return std::string(i % 3 ? "01" : "10"); })},
      {"code", "```cpp\n" +
                   times(60, [](int) { return std::string("  values.push_back(next(random));\n"); }) +
                   "```\n"},
      {"a page", "```html\n" +
                     times(60,
                           [](int i) {
                             return fmt::format(
                                 "<tr><td class=\"cell\">{}</td><td class=\"cell\">no</td></tr>\n", i / 9);
                           }) +
                     "```\n"},
      {"data", times(100,
                     [](int i) {
                       return fmt::format("{{\"id\": {}, \"name\": \"user\", \"active\": true}},\n", i);
                     })},
      {"a song", times(4,
                       [](int i) {
                         return fmt::format(
                             "Verse {} has words of its own, and tells of day {}.\nThen comes the refrain "
                             "that all know,\n"
                             "and everybody sings along with it,\nuntil the singer goes on.\n\n",
                             i, i);
                       })},
      {"short remarks",
       times(60,
             [](int i) { return fmt::format("Wait. So x = {}. Hmm. Okay. Right. Is it? Yes.\n", i * i); })},
      {"spaces", "a" + std::string(600, ' ') + "b" + std::string(600, '\n') + "c"},
      {"laughter", times(40, [](int) { return std::string("ha "); })},
      {"a table of Chinese",
       times(60, [](int i) { return fmt::format("第{}个学生有{}本书，\n", i, i * 3 % 17); })},
  };
  for (const Case& one : cases) {
    for (const bool bytes : {false, true}) {
      EXPECT_EQ(found_after(LoopDetector::kAnswer, one.text, bytes), 0) << one.what << " in an answer";
      EXPECT_EQ(found_after(LoopDetector::kThought, one.text, bytes), 0) << one.what << " in a thought";
    }
  }
}

TEST(LoopDetector, AnAnswerMayRepeatWhatAThoughtMayNot) {
  const std::string lines = times(40, [](int) { return std::string("I will not talk in class.\n"); });
  EXPECT_NE(found_after(LoopDetector::kThought, lines), 0);
  EXPECT_EQ(found_after(LoopDetector::kAnswer, lines), 0);
}

}  // namespace
}  // namespace aloud
