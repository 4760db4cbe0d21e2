// Tests of the arithmetic of budgets.
#include "chat/thinking.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

TEST(PlanReply, TheAnswerKeepsRoom) {
  const ThinkingOptions on;
  // A quarter of the reply, at most 1,024.
  EXPECT_EQ(plan_reply(on, 100, 5000, 4).thought_tokens, 75);
  EXPECT_EQ(plan_reply(on, 100000, 200000, 4).thought_tokens, 100000 - 1024);
  // The context limits, and closing costs room in it.
  const ReplyBudget whole = plan_reply(on, std::nullopt, 2000, 4);
  EXPECT_EQ(whole.reply_tokens, 2000);
  EXPECT_EQ(whole.thought_tokens, 2000 - 500 - 4);
}

TEST(PlanReply, BudgetsAndTinyRooms) {
  ThinkingOptions thinking;
  thinking.budget_tokens = 10;
  EXPECT_EQ(plan_reply(thinking, std::nullopt, 2000, 4).thought_tokens, 10);
  EXPECT_EQ(plan_reply(thinking, 4, 2000, 4).thought_tokens, 3);
  EXPECT_EQ(plan_reply(thinking, 1, 2000, 4).thought_tokens, 0);
  EXPECT_EQ(plan_reply(thinking, std::nullopt, 1, 4).thought_tokens, 0);
  thinking.budget_tokens = 0;
  EXPECT_EQ(plan_reply(thinking, std::nullopt, 2000, 4).thought_tokens, 0);
  thinking = {.enabled = false};
  EXPECT_EQ(plan_reply(thinking, std::nullopt, 2000, 4).thought_tokens, 0);
  for (std::int64_t room = 1; room < 300; ++room) {
    for (std::int64_t most = 1; most < 50; ++most) {
      const ReplyBudget budget = plan_reply({}, most, room, 5);
      ASSERT_LT(budget.thought_tokens, budget.reply_tokens);  // the answer has at least one
      if (budget.thought_tokens > 0) {
        ASSERT_LT(budget.thought_tokens + 5, room);
      }
    }
  }
}

TEST(Effort, HasThreeLevels) {
  ASSERT_NE(find_effort("low"), nullptr);
  EXPECT_LT(find_effort("low")->budget_tokens, find_effort("medium")->budget_tokens);
  EXPECT_LT(find_effort("medium")->budget_tokens, find_effort("high")->budget_tokens);
  EXPECT_EQ(find_effort("extreme"), nullptr);
}

}  // namespace
}  // namespace aloud
