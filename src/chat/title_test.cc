// Tests of titles: what is asked for, and what is made of the reply.
#include "chat/title.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace aloud {
namespace {

TEST(Title, AsksAboutTheFirstQuestionAndAnswer) {
  const std::vector<Message> messages = {{.role = Role::kSystem, .content = "SYSTEM"},
                                         {.role = Role::kUser, .content = "What is 27*14?"},
                                         {.role = Role::kAssistant, .content = "378", .thought = "THOUGHT"},
                                         {.role = Role::kUser, .content = "LATER"}};
  const std::vector<Message> prompt = title_prompt(messages);
  ASSERT_EQ(prompt.size(), 1u);
  EXPECT_EQ(prompt[0].role, Role::kUser);
  EXPECT_TRUE(prompt[0].content.starts_with("user: What is 27*14?\n\nassistant: 378\n\nWrite a title"));
  for (const std::string_view part : {"SYSTEM", "THOUGHT", "LATER"})
    EXPECT_EQ(prompt[0].content.find(part), std::string::npos) << part;
}

TEST(Title, LongMessagesAreShortened) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "想";
  const std::vector<Message> messages = {{.content = text}};
  const std::string content = title_prompt(messages)[0].content;
  EXPECT_LT(content.size(), 1500u);
  EXPECT_TRUE(is_valid_utf8(content));
}

TEST(Title, IsOneLineWithoutMarks) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"Product of 27 and 14", "Product of 27 and 14"},
      {"\n**\"Product of 27 and 14.\"**\nmore", "Product of 27 and 14"},
      {"# Title: Apples", "Apples"},
      {"标题：《苹果》。", "苹果"},
      {"  ", ""},
      {"**", ""},
  };
  for (const auto& [reply, title] : cases) EXPECT_EQ(clean_title(reply), title);
}

}  // namespace
}  // namespace aloud
