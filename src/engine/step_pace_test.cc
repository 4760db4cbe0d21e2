// Tests that chunks come to fit the time of a step.
#include "engine/step_pace.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

// A machine that takes so long for each token.
struct Machine {
  double decode_seconds, prompt_token_seconds;

  double step(StepPace& pace, bool is_decoding, std::int64_t prompt_tokens) const {
    const double seconds =
        (is_decoding ? decode_seconds : 0) + static_cast<double>(prompt_tokens) * prompt_token_seconds;
    pace.learn(is_decoding, prompt_tokens, seconds);
    return seconds;
  }
};

TEST(StepPace, ChunksComeToFit) {
  for (const double token_seconds : {0.0005, 0.002, 0.02}) {
    StepPace pace(0.15);
    const Machine machine{0.05, token_seconds};
    machine.step(pace, true, 0);
    double seconds = 0;
    for (int i = 0; i < 3; ++i) seconds = machine.step(pace, true, pace.prompt_tokens(true));
    if (token_seconds < 0.01) {
      EXPECT_NEAR(seconds, 0.15, 0.01) << token_seconds;
    } else {
      EXPECT_EQ(pace.prompt_tokens(true), StepPace::kLeastTokens);
    }
    EXPECT_GE(pace.prompt_tokens(false), pace.prompt_tokens(true));
  }
}

TEST(StepPace, FollowsAMachineThatSlowsDown) {
  StepPace pace(0.15);
  Machine machine{0, 0.001};
  for (int i = 0; i < 5; ++i) machine.step(pace, false, pace.prompt_tokens(false));
  machine.prompt_token_seconds = 0.004;  // a long context
  double seconds = 0;
  for (int i = 0; i < 12; ++i) seconds = machine.step(pace, false, pace.prompt_tokens(false));
  EXPECT_NEAR(seconds, 0.15, 0.01);
}

TEST(StepPace, PromptsGetAShareBesideSlowDecoding) {
  StepPace pace(0.15);
  const Machine machine{0.5, 0.001};
  machine.step(pace, true, 0);
  for (int i = 0; i < 20; ++i) machine.step(pace, true, pace.prompt_tokens(true));
  EXPECT_NEAR(static_cast<double>(pace.prompt_tokens(true)), 60, 2);
}

TEST(StepPace, NeverMoreThanTheModelTakesAtOnce) {
  StepPace pace(0.15);
  const Machine machine{0, 0};
  EXPECT_EQ(pace.prompt_tokens(false), StepPace::kFirstTokens);
  machine.step(pace, false, StepPace::kFirstTokens);
  EXPECT_EQ(pace.prompt_tokens(false), StepPace::kMostTokens);
}

}  // namespace
}  // namespace aloud
