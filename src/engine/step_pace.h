// How many prompt tokens may be computed in one step, so that steps take about the time that they should.
#pragma once

#include <cstdint>
#include <optional>

namespace aloud {

// Learns from the steps that were made how long they take. Times in seconds.
class StepPace {
 public:
  static constexpr std::int64_t kLeastTokens = 16;
  static constexpr std::int64_t kFirstTokens = 64;  // while nothing is known
  static constexpr std::int64_t kMostTokens = 512;  // the model works on no more at once

  explicit StepPace(double step_seconds) : step_seconds_(step_seconds) {}

  // is_decoding: other sequences generate in the same step. Prompts get what they leave of the time, but at
  // least kLeastShare of it: somebody waits for them.
  std::int64_t prompt_tokens(bool is_decoding) const;
  // A step of so many prompt tokens, beside sequences that generate or alone, took so long.
  void learn(bool is_decoding, std::int64_t prompt_tokens, double seconds);

 private:
  static constexpr double kLeastShare = 0.4;

  double step_seconds_;
  double decode_seconds_ = 0;  // of a step that reads no prompt
  std::optional<double> prompt_token_seconds_;
};

}  // namespace aloud
