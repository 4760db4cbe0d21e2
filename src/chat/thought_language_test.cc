// Tests of the table of languages and of guessing by script.
#include "chat/thought_language.h"

#include <gtest/gtest.h>

#include <set>

#include "base/utf8.h"

namespace aloud {
namespace {

TEST(ThoughtLanguage, TheTable) {
  std::set<std::string_view> codes;
  for (const ThoughtLanguage& language : thought_languages()) {
    EXPECT_TRUE(codes.insert(language.code).second) << language.code;
    EXPECT_EQ(find_thought_language(language.code), &language);
    EXPECT_TRUE(is_valid_utf8(language.opening) && is_valid_utf8(language.winding_down)) << language.code;
  }
  EXPECT_EQ(thought_languages().front().code, "en");
  EXPECT_EQ(find_thought_language("xx"), nullptr);
  EXPECT_EQ(find_thought_language(""), nullptr);
}

TEST(ThoughtLanguage, Guesses) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "en"},
      {"So x = 5, wait.", "en"},
      {"Je pense que x = 5.", "en"},  // the script does not tell
      {"等等，让我再检查一遍 x = 5。", "zh"},
      {"待って、もう一度確認します。", "ja"},
      {"잠깐, 다시 확인해 보자.", "ko"},
      {"Подожди, проверю ещё раз.", "ru"},
      {"The word 苹果 means apple, and 书 means book; so the sentence is about apples.", "en"},
  };
  for (const auto& [thought, code] : cases) EXPECT_EQ(guess_thought_language(thought).code, code) << thought;
}

}  // namespace
}  // namespace aloud
