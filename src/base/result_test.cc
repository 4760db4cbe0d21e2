// Tests of Result: errors as sentences, and how TRY hands them on.
#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace aloud {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return fail("{}: odd, expected an even number", value);
  return value / 2;
}

Result<std::string> quarter(int value) {
  TRY_ASSIGN(const int once, half(value));
  TRY_ASSIGN(const int twice, half(once));
  return std::to_string(twice);
}

Status check_even(int value, int& calls) {
  TRY((++calls, half(value)));
  return {};
}

TEST(Result, HoldsAValueOrASentence) {
  EXPECT_EQ(half(8).value(), 4);
  EXPECT_EQ(half(7).error().message, "7: odd, expected an even number");
}

TEST(Result, TryHandsTheErrorOn) {
  EXPECT_EQ(quarter(8).value(), "2");
  EXPECT_EQ(quarter(6).error().message, "3: odd, expected an even number");
  EXPECT_EQ(quarter(5).error().message, "5: odd, expected an even number");
}

TEST(Result, TryEvaluatesOnce) {
  int calls = 0;
  EXPECT_TRUE(check_even(2, calls).has_value());
  EXPECT_FALSE(check_even(3, calls).has_value());
  EXPECT_EQ(calls, 2);
}

TEST(Result, MovesWhatCannotBeCopied) {
  const auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(3); };
  const auto use = [&]() -> Result<int> {
    TRY_ASSIGN(const std::unique_ptr<int> number, make());
    return *number;
  };
  EXPECT_EQ(use().value(), 3);
}

}  // namespace
}  // namespace aloud
