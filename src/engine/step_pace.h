// How many prompt tokens may be computed in one step, so that steps take about the time that they should.
#pragma once

#include <cstdint>

namespace aloud {

// Learns from the steps that were made how their time grows with their tokens, those of prompts and those of
// sequences that generate alike. Times in seconds.
class StepPace {
 public:
  static constexpr std::int64_t kLeastTokens = 16;
  static constexpr std::int64_t kLeastPerGenerated = 2;
  static constexpr std::int64_t kLeastAlone = 64;   // where nobody generates, and while nothing is known
  static constexpr std::int64_t kMostTokens = 512;  // the model works on no more at once

  explicit StepPace(double step_seconds) : step_seconds_(step_seconds) {}

  // Beside so many tokens of sequences that generate: what fits into the time that a step should take. Where
  // that is little, somebody still waits for the prompts, and only what was read can generate in the steps to
  // come: at least the numbers above.
  std::int64_t prompt_tokens(std::int64_t generated) const;
  // A step of so many tokens in all took so long.
  void learn(std::int64_t tokens, double seconds);

 private:
  double most_tokens() const;

  double step_seconds_;
  // Means over the steps, of which recent ones count most.
  double tokens_ = 0;
  double seconds_ = 0;
  double tokens_squared_ = 0;
  double tokens_seconds_ = 0;
};

}  // namespace aloud
