// The router: which experts are chosen, and with which weights.
#include "models/mixture.h"

#include <gtest/gtest.h>

#include <cmath>

namespace aloud {
namespace {

std::vector<Choice> chosen(const RouterShape& shape, const std::vector<float>& logits,
                           const std::vector<float>& bias = {}) {
  std::vector<float> scratch(static_cast<std::size_t>(2 * shape.experts));
  std::vector<Choice> choices(static_cast<std::size_t>(shape.used));
  route(shape, logits, bias, scratch.data(), choices);
  return choices;
}

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

TEST(Router, SoftmaxKeepsTheProbabilities) {
  const RouterShape shape{.experts = 4, .used = 2};
  const auto choices = chosen(shape, {0, 1, 3, 2});
  const float sum = std::exp(0.0f) + std::exp(1.0f) + std::exp(3.0f) + std::exp(2.0f);
  EXPECT_EQ(choices[0].expert, 2);
  EXPECT_NEAR(choices[0].weight, std::exp(3.0f) / sum, 1e-6);
  EXPECT_EQ(choices[1].expert, 3);
  EXPECT_NEAR(choices[1].weight, std::exp(2.0f) / sum, 1e-6);
}

TEST(Router, SigmoidWeightsAreNormalisedAndScaled) {
  const RouterShape shape{
      .experts = 4, .used = 2, .gating = Gating::kSigmoid, .normalise = true, .scale = 2.5f};
  const auto choices = chosen(shape, {0, -1, 2, 1});
  EXPECT_EQ(choices[0].expert, 2);
  EXPECT_EQ(choices[1].expert, 3);
  EXPECT_NEAR(choices[0].weight, 2.5f * sigmoid(2) / (sigmoid(2) + sigmoid(1)), 1e-6);
  EXPECT_NEAR(choices[0].weight + choices[1].weight, 2.5f, 1e-6);
}

TEST(Router, BiasChoosesButDoesNotWeigh) {
  const RouterShape shape{.experts = 3, .used = 1, .gating = Gating::kSigmoid};
  const auto choices = chosen(shape, {2, 0, -2}, {0, 0, 1});
  EXPECT_EQ(choices[0].expert, 2);
  EXPECT_NEAR(choices[0].weight, sigmoid(-2), 1e-6);
}

TEST(Router, GroupsCountByTheirTwoBest) {
  // The best expert stands in a group whose second best is poor.
  const RouterShape shape{.experts = 6, .used = 2, .groups = 3, .used_groups = 1, .gating = Gating::kSigmoid};
  const auto choices = chosen(shape, {4, -9, 2, 2, 1, 1});
  EXPECT_EQ(choices[0].expert, 2);
  EXPECT_EQ(choices[1].expert, 3);
}

TEST(Router, SoftmaxGroupsCountByTheirBest) {
  const RouterShape shape{.experts = 6, .used = 2, .groups = 3, .used_groups = 1};
  const auto choices = chosen(shape, {4, -9, 2, 2, 1, 1});
  EXPECT_EQ(choices[0].expert, 0);
  EXPECT_EQ(choices[1].expert, 1);
}

TEST(Router, TiesGoToTheLowerNumberAndNanIsNeverPreferred) {
  const RouterShape shape{.experts = 4, .used = 3, .gating = Gating::kSigmoid};
  const auto choices = chosen(shape, {std::nanf(""), 1, 1, 0});
  EXPECT_EQ(choices[0].expert, 1);
  EXPECT_EQ(choices[1].expert, 2);
  EXPECT_EQ(choices[2].expert, 3);
}

}  // namespace
}  // namespace aloud
