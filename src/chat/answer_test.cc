// Tests of finding the marked answer.
#include "chat/answer.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

TEST(MarkedAnswer, FindsTheLastMark) {
  struct Case {
    std::string_view reply;
    std::optional<std::string> expected;
  };
  const Case cases[] = {
      {"27*14 = **378**", "378"},
      {"**378**。", "378"},
      {"**1** and then **2**", "2"},
      {"\\boxed{378}", "378"},
      {"so $\\boxed{\\frac{1}{2}}$.", "\\frac{1}{2}"},
      {"\\boxed{\\{1, 2\\}}", "\\{1, 2\\}"},
      {"**Answer:** \\boxed{5}", "5"},
      {"\\boxed{5}, that is **five**", "five"},
      {"**\\boxed{42}**", "42"},
      {"\\boxed{**42**}", "42"},
      {"***7***", "7"},
      {"** 7 ** is not bold", std::nullopt},
      {"** 7 **8**", "8"},
      {"** spaced ** \\boxed{ 9 }", "9"},
      {"**open for ever", std::nullopt},
      {"**not\n\nacross paragraphs** here", std::nullopt},
      {"**two\nlines**", "two\nlines"},
      {"\\boxed{1} then \\boxed{unclosed", "1"},
      {"\\boxed{a{b}", std::nullopt},
      {"2 * 3 * 4", std::nullopt},
      {"****", std::nullopt},
      {"\\boxed{}", ""},
      {"", std::nullopt},
      {"**", std::nullopt},
      {"**小明**有 **3** 个苹果", "3"},
      {"**a**b**c**", "c"},
  };
  for (const Case& one : cases) EXPECT_EQ(marked_answer(one.reply), one.expected) << one.reply;
}

}  // namespace
}  // namespace aloud
