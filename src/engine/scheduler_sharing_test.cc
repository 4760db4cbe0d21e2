// Tests of what sequences of the scheduler share, and what not.
#include <gtest/gtest.h>

#include "engine/scheduler.h"
#include "engine/scheduler_fixture.h"

namespace aloud {
namespace {

TEST(Scheduler, WhatAnOwnerComputedIsNotComputedAgain) {
  SchedulerFixture f;
  const SequenceRequest request = request_of(count_to(200), 30);
  const auto first = f.submit(request);
  run(f.scheduler);
  const auto again = f.submit(request);
  run(f.scheduler);
  EXPECT_EQ(again->cached, 199);
  EXPECT_EQ(again->taken, first->taken);
  // The next turn: what was generated is there too.
  std::vector<TokenId> next = joined(request.prompt, first->fed);
  next = joined(next, {5, 6, 7});
  const auto turn = f.submit(request_of(next, 30));
  run(f.scheduler);
  EXPECT_GE(turn->cached, 200 + std::ssize(first->fed) - 2);  // the last ones were not needed
  EXPECT_EQ(turn->taken, alone(request_of(next, 30), 2000));
  const SchedulerStats stats = f.scheduler.stats();
  EXPECT_EQ(stats.cached_tokens, again->cached + turn->cached);
  EXPECT_EQ(stats.prompt_tokens + stats.cached_tokens, 200 + 200 + std::ssize(next));
}

TEST(Scheduler, WhereRolesMatterGeneratedTokensAreNoPrompt) {
  SchedulerFixture f({}, true);
  const SequenceRequest request = request_of(count_to(200), 100);
  const auto first = f.submit(request);
  run(f.scheduler);
  EXPECT_EQ(first->taken, alone(request, 2000, true));
  const std::vector<TokenId> next = joined(request.prompt, first->fed);
  const auto turn = f.submit(request_of(next, 30));
  run(f.scheduler);
  EXPECT_EQ(turn->cached, 200);
  EXPECT_EQ(turn->taken, alone(request_of(next, 30), 2000, true));
}

TEST(Scheduler, OwnersShareThePublicPagesAndNothingElse) {
  SchedulerFixture f;
  const std::vector<TokenId> system = count_to(150);
  SequenceRequest a = request_of(joined(system, count_to(100, 7)), 5, "a");
  a.public_tokens = 150;
  SequenceRequest b = a;
  b.owner = "b";
  SequenceRequest closed = a;
  closed.owner = "c";
  closed.public_tokens = 0;
  f.submit(a);
  run(f.scheduler);
  const auto second = f.submit(b);
  const auto third = f.submit(closed);
  run(f.scheduler);
  EXPECT_EQ(second->cached, 128);
  EXPECT_EQ(third->cached, 0);
  EXPECT_EQ(second->taken, alone(a, 2000));
}

TEST(Scheduler, PromptsThatAreAlikeAreReadOnce) {
  SchedulerFixture f({.max_sequences = 32});
  std::vector<std::shared_ptr<Record>> samples;
  const std::vector<TokenId> prompt = count_to(500);
  for (std::uint64_t seed = 0; seed < 8; ++seed)
    samples.push_back(f.submit(request_of(prompt, 40, "a", seed)));
  run(f.scheduler);
  // The first reads 500, each of the others the last token, whose logits it needs.
  EXPECT_EQ(f.scheduler.stats().prompt_tokens, 500 + 7);
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    EXPECT_EQ(samples[seed]->taken, alone(request_of(prompt, 40, "a", seed), 2000));
    EXPECT_EQ(samples[seed]->cached, seed == 0 ? 0 : 499);
  }
  f.expect_no_leak();
}

TEST(Scheduler, APublicBeginningIsReadOnceByAllWhoComeTogether) {
  SchedulerFixture f;
  std::vector<std::shared_ptr<Record>> records;
  for (int i = 0; i < 6; ++i) {
    SequenceRequest request =
        request_of(joined(count_to(640), count_to(30, 20 * i)), 5, "owner " + std::to_string(i));
    request.public_tokens = 640;
    records.push_back(f.submit(request));
  }
  run(f.scheduler);
  EXPECT_EQ(f.scheduler.stats().prompt_tokens, 640 + 6 * 30);
  for (const auto& record : records) EXPECT_EQ(record->finish(), FinishReason::kLength);
}

TEST(Scheduler, WhoFollowsReadsItselfWhenTheReaderIsGone) {
  SchedulerFixture f;
  SequenceId id = 0;
  const auto first = f.submit(request_of(count_to(1000), 5), &id);
  const auto second = f.submit(request_of(count_to(1000), 5));
  for (int i = 0; i < 4; ++i) f.scheduler.step();
  EXPECT_TRUE(second->read.empty());
  const std::int64_t read = first->read.back();
  f.scheduler.cancel(id);
  run(f.scheduler);
  EXPECT_EQ(second->finish(), FinishReason::kLength);
  EXPECT_EQ(second->cached, read);
  EXPECT_EQ(second->taken, alone(request_of(count_to(1000), 5), 2000));
}

}  // namespace
}  // namespace aloud
