// How much a reply may think: on or off, effort, budget, and the room that the answer keeps.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace aloud {

struct ThinkingOptions {
  bool enabled = true;
  std::optional<std::int64_t> budget_tokens;  // absent: as much as leaves room for the answer
  std::string_view effort;  // a name of effort_levels(), or empty; templates may want to know it
  // A code of thought_languages(), or empty: as the model likes. The thought is begun for the model in that
  // language; words that a prompt asks for are forgotten sooner than words that stand there.
  std::string language;
};

struct EffortLevel {
  std::string_view name;
  std::int64_t budget_tokens = 0;
};

// low, medium, high
std::span<const EffortLevel> effort_levels();
// nullptr when there is no such level.
const EffortLevel* find_effort(std::string_view name);

// Tokens that a reply may have and how many of them may be thought.
struct ReplyBudget {
  std::int64_t reply_tokens = 0;
  std::int64_t thought_tokens = 0;
};

// room_tokens: what the context has left; closing_tokens: what closing a thought costs of it. The answer
// keeps a quarter of the reply, but at most 1,024 tokens and at least one. REQUIRES: room_tokens >= 1.
ReplyBudget plan_reply(const ThinkingOptions& thinking, std::optional<std::int64_t> max_tokens,
                       std::int64_t room_tokens, std::int64_t closing_tokens);

}  // namespace aloud
