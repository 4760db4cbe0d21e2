// Tests of the turns between owners.
#include "engine/fair_share.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace aloud {
namespace {

// Owners who always want something and are served in pieces of random sizes.
TEST(FairShare, GivesEverybodyTheSame) {
  std::mt19937 generator(1);
  FairShare fair;
  std::vector<Owner*> owners;
  std::vector<std::int64_t> served(5);
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    owners.push_back(&fair.owner(name));
    owners.back()->waiting = 1;
  }
  constexpr std::int64_t kMostTokens = 3000;
  for (int i = 0; i < 10000; ++i) {
    const auto first = std::ranges::max_element(owners, {}, &Owner::credit);
    fair.pass_rounds(**first);
    EXPECT_GT((*first)->credit, 0);
    const auto tokens = static_cast<std::int64_t>(1 + generator() % kMostTokens);
    (*first)->credit -= tokens;
    served[static_cast<std::size_t>(first - owners.begin())] += tokens;
    const auto [least, most] = std::ranges::minmax(served);
    EXPECT_LE(most - least, FairShare::kQuantumTokens + kMostTokens);
  }
}

TEST(FairShare, NobodySavesAndDebtsStay) {
  FairShare fair;
  Owner& heavy = fair.owner("heavy");
  Owner& idle = fair.owner("idle");
  heavy.running = idle.running = 1;
  heavy.credit -= 100000;
  idle.credit -= 10;
  fair.pass_rounds(heavy);
  EXPECT_GT(heavy.credit, 0);
  EXPECT_LE(heavy.credit, FairShare::kQuantumTokens);
  EXPECT_EQ(idle.credit, FairShare::kQuantumTokens);
  heavy.credit -= 5000;
  heavy.running = 0;
  fair.pass_rounds(idle);  // has credit: no round
  EXPECT_LT(fair.owner("heavy").credit, 0);
}

TEST(FairShare, ForgetsThoseWhoOweNothingAndWantNothing) {
  FairShare fair;
  for (int i = 0; i < 1000; ++i) fair.owner(std::to_string(i));
  Owner& last = fair.owner("last");
  last.running = 1;
  last.credit = 0;
  fair.pass_rounds(last);
  EXPECT_EQ(fair.owners(), 1);
}

}  // namespace
}  // namespace aloud
