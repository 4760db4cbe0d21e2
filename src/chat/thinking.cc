// The arithmetic of budgets.
#include "chat/thinking.h"

#include <algorithm>

namespace aloud {
namespace {

constexpr EffortLevel kEffortLevels[] = {{"low", 1024}, {"medium", 4096}, {"high", 16384}};

constexpr std::int64_t kAnswerShare = 4;
constexpr std::int64_t kMostAnswerReserve = 1024;

}  // namespace

std::span<const EffortLevel> effort_levels() { return kEffortLevels; }

const EffortLevel* find_effort(std::string_view name) {
  const auto found = std::find_if(std::begin(kEffortLevels), std::end(kEffortLevels),
                                  [&](const EffortLevel& level) { return level.name == name; });
  return found == std::end(kEffortLevels) ? nullptr : found;
}

ReplyBudget plan_reply(const ThinkingOptions& thinking, std::optional<std::int64_t> max_tokens,
                       std::int64_t room_tokens, std::int64_t closing_tokens) {
  ReplyBudget budget;
  budget.reply_tokens = std::min(max_tokens.value_or(room_tokens), room_tokens);
  const std::int64_t reserve =
      std::clamp<std::int64_t>(budget.reply_tokens / kAnswerShare, 1, kMostAnswerReserve);
  // The closing tokens are not sampled: they cost room in the context, not tokens of the reply.
  std::int64_t most = std::min(budget.reply_tokens - reserve, room_tokens - reserve - closing_tokens);
  if (thinking.budget_tokens) most = std::min(most, *thinking.budget_tokens);
  budget.thought_tokens = thinking.enabled ? std::max<std::int64_t>(0, most) : 0;
  return budget;
}

}  // namespace aloud
