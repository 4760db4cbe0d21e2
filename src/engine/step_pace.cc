// A line through the times of the last steps.
#include "engine/step_pace.h"

#include <algorithm>
#include <cmath>

namespace aloud {
namespace {

// Weight of the newest step in a mean: recent ones count, since contexts grow and sequences come and go.
constexpr double kNewest = 0.2;

// A token more costs at most its share of a step, since the weights are read once for all, and not much less:
// steps that are hardly different tell nothing else.
constexpr double kLeastOfShare = 0.25;

}  // namespace

std::int64_t StepPace::prompt_tokens(std::int64_t generated) const {
  const std::int64_t least =
      generated == 0 ? kLeastAlone : std::max(kLeastTokens, kLeastPerGenerated * generated);
  const double fitting = most_tokens() - static_cast<double>(generated);
  if (fitting >= static_cast<double>(kMostTokens)) return kMostTokens;
  return std::clamp(static_cast<std::int64_t>(fitting), std::min(least, kMostTokens), kMostTokens);
}

// That a step has the time for.
double StepPace::most_tokens() const {
  if (tokens_ == 0) return 0;
  const double share = seconds_ / tokens_;
  const double variance = tokens_squared_ - tokens_ * tokens_;
  const double slope = variance > 0 ? (tokens_seconds_ - tokens_ * seconds_) / variance : share;
  const double each = std::clamp(slope, kLeastOfShare * share, share);
  if (each == 0) return kMostTokens + tokens_;
  return tokens_ + (step_seconds_ - seconds_) / each;
}

void StepPace::learn(std::int64_t tokens, double seconds) {
  if (tokens == 0) return;
  const double newest = tokens_ == 0 ? 1 : kNewest;
  const auto count = static_cast<double>(tokens);
  tokens_ = std::lerp(tokens_, count, newest);
  seconds_ = std::lerp(seconds_, seconds, newest);
  tokens_squared_ = std::lerp(tokens_squared_, count * count, newest);
  tokens_seconds_ = std::lerp(tokens_seconds_, count * seconds, newest);
}

}  // namespace aloud
