// Tests that chunks come to fit the time of a step.
#include "engine/step_pace.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

// A machine that reads its weights once a step, and takes so long for each token.
struct Machine {
  double weights_seconds, token_seconds;

  double step(StepPace& pace, std::int64_t generated, std::int64_t prompt_tokens) const {
    const double seconds = weights_seconds + static_cast<double>(generated + prompt_tokens) * token_seconds;
    pace.learn(generated + prompt_tokens, seconds);
    return seconds;
  }
  // With as many prompt tokens as there should be; returns the time of the last step.
  double steps(StepPace& pace, std::int64_t generated, int count) const {
    double seconds = 0;
    for (int i = 0; i < count; ++i) seconds = step(pace, generated, pace.prompt_tokens(generated));
    return seconds;
  }
};

TEST(StepPace, ChunksComeToFit) {
  for (const double token_seconds : {0.0005, 0.001, 0.002}) {
    for (const std::int64_t generated : {0, 1, 8}) {
      StepPace pace(0.15);
      const Machine machine{0.02, token_seconds};
      machine.steps(pace, 1, 1);
      EXPECT_NEAR(machine.steps(pace, generated, 8), 0.15, 0.01) << token_seconds << " " << generated;
      EXPECT_GE(pace.prompt_tokens(0), pace.prompt_tokens(8));
    }
  }
}

TEST(StepPace, FollowsAMachineThatSlowsDown) {
  StepPace pace(0.15);
  Machine machine{0, 0.0005};
  machine.steps(pace, 0, 5);
  machine.token_seconds = 0.0015;  // a long context
  EXPECT_NEAR(machine.steps(pace, 0, 20), 0.15, 0.01);
}

TEST(StepPace, ManyWhoGenerateAreCountedIn) {
  StepPace pace(0.15);
  const Machine machine{0.05, 0.001};
  for (int i = 0; i < 10; ++i) machine.step(pace, 1 + i % 4, i % 2 * 64);
  EXPECT_NEAR(static_cast<double>(pace.prompt_tokens(4)), 96, 3);
  EXPECT_NEAR(static_cast<double>(pace.prompt_tokens(20)), 80, 3);
}

// A slow machine that generates for many would otherwise never fill its batches: who is read too slowly
// waits, and the few who were read generate alone.
TEST(StepPace, PromptsAreReadBesideSlowDecoding) {
  StepPace pace(0.15);
  const Machine machine{0.1, 0.01};
  machine.steps(pace, 32, 20);
  EXPECT_EQ(pace.prompt_tokens(32), 64);
  EXPECT_EQ(pace.prompt_tokens(1), StepPace::kLeastTokens);
  EXPECT_EQ(pace.prompt_tokens(0), StepPace::kLeastAlone);
}

TEST(StepPace, NeverMoreThanTheModelTakesAtOnce) {
  StepPace pace(0.15);
  const Machine machine{0, 0};
  EXPECT_EQ(pace.prompt_tokens(0), StepPace::kLeastAlone);
  machine.step(pace, 0, StepPace::kLeastAlone);
  EXPECT_EQ(pace.prompt_tokens(0), StepPace::kMostTokens);
  EXPECT_EQ(pace.prompt_tokens(400), StepPace::kMostTokens);
}

}  // namespace
}  // namespace aloud
