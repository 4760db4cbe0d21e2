// Averages of what steps took.
#include "engine/step_pace.h"

#include <algorithm>
#include <cmath>

namespace aloud {
namespace {

// Weight of the newest step in an average: recent ones count, since contexts grow and sequences come and go.
constexpr double kNewest = 0.3;

}  // namespace

std::int64_t StepPace::prompt_tokens(bool is_decoding) const {
  if (!prompt_token_seconds_) return kFirstTokens;
  const double decode_seconds = is_decoding ? decode_seconds_ : 0;
  const double seconds = std::max(step_seconds_ - decode_seconds, kLeastShare * step_seconds_);
  const double most = static_cast<double>(kMostTokens);
  if (*prompt_token_seconds_ * most <= seconds) return kMostTokens;
  return std::max(kLeastTokens, static_cast<std::int64_t>(seconds / *prompt_token_seconds_));
}

void StepPace::learn(bool is_decoding, std::int64_t prompt_tokens, double seconds) {
  if (prompt_tokens == 0) {
    decode_seconds_ = decode_seconds_ == 0 ? seconds : std::lerp(decode_seconds_, seconds, kNewest);
    return;
  }
  // Fewer tell more about the step than about themselves.
  if (prompt_tokens < kLeastTokens) return;
  const double prompt_seconds = std::max(0.0, seconds - (is_decoding ? decode_seconds_ : 0));
  const double each = prompt_seconds / static_cast<double>(prompt_tokens);
  prompt_token_seconds_ = prompt_token_seconds_ ? std::lerp(*prompt_token_seconds_, each, kNewest) : each;
}

}  // namespace aloud
