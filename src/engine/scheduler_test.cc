// Tests of single situations of the scheduler, on a scripted model and a clock that tests move.
#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "engine/scheduler_fixture.h"

namespace aloud {
namespace {

TEST(Scheduler, OneSequenceGetsWhatItGetsOnASession) {
  SchedulerFixture f;
  const SequenceRequest request = request_of(count_to(300), 100);
  const auto record = f.submit(request);
  run(f.scheduler);
  ASSERT_TRUE(record->is_done());
  EXPECT_TRUE(record->is_destroyed);
  EXPECT_EQ(record->taken, alone(request, 2000));
  EXPECT_EQ(record->taken.size(), 100u);
  EXPECT_EQ(record->finish(), FinishReason::kLength);
  EXPECT_EQ((*record->result)->sampled_tokens, 100);
  EXPECT_EQ(record->read.front(), 0);
  EXPECT_EQ(record->read.back(), 300);
  EXPECT_NEAR((*record->result)->reading_seconds, 0.3, 1e-9);
  f.expect_no_leak();
}

TEST(Scheduler, EndsAsTheLoopOfOneDoes) {
  SchedulerFixture f({.context = 130});
  const auto full = f.submit(request_of(count_to(100), 1000));
  const auto brief = f.submit(request_of(count_to(50, 60), 1));
  run(f.scheduler);
  EXPECT_EQ(full->finish(), FinishReason::kContext);
  EXPECT_EQ(full->taken, alone(request_of(count_to(100), 1000), 130));
  EXPECT_EQ(brief->finish(), FinishReason::kLength);
  EXPECT_EQ(brief->taken.size(), 1u);
}

TEST(Scheduler, RefusesWithNumbers) {
  SchedulerFixture f({.context = 1000, .max_pages = 5});
  const auto refusal = [&](SequenceRequest request) {
    auto record = std::make_shared<Record>();
    const auto taken = f.scheduler.submit(std::move(request), std::make_unique<Recorder>(record));
    CHECK(!taken);
    EXPECT_FALSE(record->is_done());
    EXPECT_TRUE(record->is_destroyed);
    return taken.error();
  };
  Refusal found = refusal(request_of(count_to(320), 10));
  EXPECT_EQ(found.kind, Refusal::Kind::kDoesNotFit);
  EXPECT_EQ(found.message, "the prompt has 320 tokens, but the context holds 320 with the reply");
  EXPECT_EQ(found.retry_after_seconds, 0);
  EXPECT_EQ(refusal(request_of({}, 10)).kind, Refusal::Kind::kInvalid);
  EXPECT_EQ(refusal(request_of({1, 200}, 10)).message, "the prompt has a token 200, expected 0 to 199");
  EXPECT_EQ(refusal(request_of({-1}, 10)).kind, Refusal::Kind::kInvalid);
  EXPECT_EQ(refusal(request_of({1}, 0)).kind, Refusal::Kind::kInvalid);
  SequenceRequest hot = request_of({1}, 10);
  hot.sampling.temperature = 1000;
  EXPECT_EQ(refusal(hot).kind, Refusal::Kind::kInvalid);
  SequenceRequest open = request_of({1}, 10);
  open.public_tokens = 2;
  EXPECT_EQ(refusal(open).kind, Refusal::Kind::kInvalid);
  EXPECT_FALSE(f.scheduler.step());
  EXPECT_EQ(f.scheduler.stats().refused, 7);
}

TEST(Scheduler, TheQueueIsBoundedInAllAndForEachOwner) {
  SchedulerFixture f({.max_sequences = 1, .max_waiting = 5, .max_waiting_of_owner = 3});
  for (int i = 0; i < 3; ++i) f.submit(request_of(count_to(100), 50, "a"));
  const auto refusal = [&](const std::string& owner) {
    const auto taken =
        f.scheduler.submit(request_of({1}, 1, owner), std::make_unique<Recorder>(std::make_shared<Record>()));
    CHECK(!taken);
    return taken.error();
  };
  EXPECT_EQ(refusal("a").kind, Refusal::Kind::kOwnerQueueFull);
  EXPECT_EQ(refusal("a").message, "3 of your requests are waiting, at most 3 may");
  for (int i = 0; i < 3; ++i) f.submit(request_of(count_to(100), 50, "b"));  // one of six will begin at once
  EXPECT_EQ(refusal("c").kind, Refusal::Kind::kQueueFull);
  EXPECT_EQ(refusal("c").message, "5 requests are waiting, at most 5 may");
  EXPECT_GE(refusal("c").retry_after_seconds, 1);
  f.scheduler.step();
  EXPECT_EQ(refusal("c").message, "5 requests are waiting, at most 5 may");
  // The longer they take, the later it makes sense to try again.
  f.token_seconds = 0.1;
  for (int i = 0; i < 20; ++i) f.scheduler.step();
  EXPECT_GT(refusal("c").retry_after_seconds, 3);
  // One ends: there is a place.
  while (f.scheduler.stats().finished == 0) f.scheduler.step();
  f.submit(request_of({1}, 1, "c"));
  run(f.scheduler);
  EXPECT_EQ(f.scheduler.stats().finished, 7);
}

TEST(Scheduler, TellsPositionsAndEstimates) {
  SchedulerFixture f({.max_sequences = 1});
  const auto first = f.submit(request_of(count_to(100), 100, "a"));
  const auto second = f.submit(request_of(count_to(100, 2), 100, "a"));
  const auto third = f.submit(request_of(count_to(100, 3), 100, "a"));
  const auto other = f.submit(request_of(count_to(100, 4), 100, "b"));
  f.scheduler.step();
  EXPECT_TRUE(first->positions.empty());
  EXPECT_EQ(other->positions, std::vector<std::int64_t>{1});  // b's turn
  EXPECT_EQ(second->positions, std::vector<std::int64_t>{2});
  EXPECT_EQ(third->positions, std::vector<std::int64_t>{3});
  while (!first->is_done()) f.scheduler.step();
  while (second->read.empty()) f.scheduler.step();
  EXPECT_EQ(third->positions.back(), 1);
  EXPECT_NEAR(third->estimates.back(), 0.2, 0.02);  // 200 tokens each
  run(f.scheduler);
  EXPECT_TRUE(third->is_done());
}

TEST(Scheduler, CancelsInTheQueueInThePromptAndInTheReply) {
  SchedulerFixture f({.max_sequences = 2});
  SequenceId reading_id = 0, generating_id = 0, waiting_id = 0;
  const auto generating = f.submit(request_of(count_to(10, 50), 1000), &generating_id);
  f.scheduler.step();
  const auto reading = f.submit(request_of(count_to(1500), 1000), &reading_id);
  const auto waiting = f.submit(request_of(count_to(100, 7), 1000), &waiting_id);
  for (int i = 0; i < 3; ++i) f.scheduler.step();
  ASSERT_FALSE(generating->taken.empty());
  ASSERT_GT(reading->read.back(), 0);
  ASSERT_TRUE(reading->taken.empty());
  ASSERT_FALSE(waiting->positions.empty());
  for (const SequenceId id : {waiting_id, reading_id, generating_id}) f.scheduler.cancel(id);
  f.scheduler.cancel(12345);
  EXPECT_FALSE(f.scheduler.step());
  for (const auto& record : {generating, reading, waiting})
    EXPECT_EQ(record->finish(), FinishReason::kCancelled);
  f.scheduler.cancel(waiting_id);
  EXPECT_FALSE(f.scheduler.step());
  EXPECT_EQ(f.scheduler.stats().cancelled, 3);
  f.expect_no_leak();
  // What was read stays.
  const auto again = f.submit(request_of(count_to(1500), 1));
  run(f.scheduler);
  EXPECT_EQ(again->cached, reading->read.back());
}

TEST(Scheduler, AStepThatNobodyWaitsForEndsEarly) {
  SchedulerFixture f;
  SequenceId id = 0;
  const auto record = f.submit(request_of(count_to(150), 20), &id);
  std::int64_t computed = 0;
  f.model.before_forward = [&](std::span<const SequenceStep> steps) -> Status {
    if (computed++ == 1) f.scheduler.cancel(id);  // while the second chunk is read
    EXPECT_LE(computed, 2);
    EXPECT_EQ(steps.size(), 1u);
    return {};
  };
  run(f.scheduler);
  EXPECT_EQ(record->finish(), FinishReason::kCancelled);
  EXPECT_EQ(f.model.chunks.size(), 1u);  // of the second nothing was computed
  // With somebody else in the step it goes on, and nothing is missing.
  const auto leaver = f.submit(request_of(count_to(150), 20), &id);
  const auto other = f.submit(request_of(count_to(150, 7), 20));
  computed = 0;
  f.model.before_forward = [&](std::span<const SequenceStep> steps) -> Status {
    if (steps.size() == 2 && computed++ == 0) f.scheduler.cancel(id);
    return {};
  };
  run(f.scheduler);
  EXPECT_EQ(computed, 1);
  EXPECT_EQ(leaver->finish(), FinishReason::kCancelled);
  EXPECT_EQ(other->taken, alone(request_of(count_to(150, 7), 20), 2000));
  f.expect_no_leak();
}

TEST(Scheduler, AClientMayCancelItselfAndSubmitMore) {
  SchedulerFixture f;
  auto record = std::make_shared<Record>();
  auto client = std::make_unique<Recorder>(record);
  SequenceId id = 0;
  std::shared_ptr<Record> more;
  client->on_take = [&] {
    if (record->taken.size() != 3) return;
    f.scheduler.cancel(id);
    more = f.submit(request_of(count_to(20), 2));
  };
  id = *f.scheduler.submit(request_of(count_to(10), 100), std::move(client));
  run(f.scheduler);
  EXPECT_EQ(record->finish(), FinishReason::kCancelled);
  EXPECT_EQ(record->taken.size(), 3u);
  EXPECT_EQ(more->finish(), FinishReason::kLength);
}

class Pauses : public testing::TestWithParam<bool> {};

// Pages for about three of eight sequences.
TEST_P(Pauses, GiveTheSameTokens) {
  SchedulerFixture f({.context = 700, .max_pages = 24}, GetParam());
  std::vector<SequenceRequest> requests;
  std::vector<std::shared_ptr<Record>> records;
  for (int i = 0; i < 8; ++i) {
    requests.push_back(request_of(count_to(200, 3 * i), 300, "owner " + std::to_string(i % 3),
                                  static_cast<std::uint64_t>(i)));
    records.push_back(f.submit(requests.back()));
  }
  run(f.scheduler);
  for (std::size_t i = 0; i < records.size(); ++i)
    EXPECT_EQ(records[i]->taken, alone(requests[i], 700, GetParam())) << i;
  const SchedulerStats stats = f.scheduler.stats();
  EXPECT_GT(stats.paused, 0);
  EXPECT_GT(stats.repeated_tokens, 0);
  EXPECT_LT(stats.repeated_tokens, 8 * 500);
  f.expect_no_leak();
}

INSTANTIATE_TEST_SUITE_P(Scheduler, Pauses, testing::Bool());

TEST(Scheduler, PromptsAreReadBesideRepliesInTheTimeOfAStep) {
  SchedulerFixture f;
  f.token_seconds = 0.002;
  std::vector<std::shared_ptr<Record>> talking;
  for (int i = 0; i < 10; ++i) talking.push_back(f.submit(request_of(count_to(5, 10 * i), 1000)));
  while (talking.back()->taken.size() < 5) f.scheduler.step();
  const std::size_t taken = talking[0]->taken.size();
  const auto reading = f.submit(request_of(count_to(1200), 10));
  int steps = 0;
  double longest = 0;
  while (reading->taken.empty()) {
    const double before = f.seconds;
    f.scheduler.step();
    longest = std::max(longest, f.seconds - before);
    ++steps;
  }
  // 0.15 s are 75 tokens, ten of them generated.
  EXPECT_LT(longest, 0.17);
  EXPECT_LE(steps, 1200 / 65 + 4);
  EXPECT_EQ(talking[0]->taken.size(), taken + static_cast<std::size_t>(steps));
}

TEST(Scheduler, LightOwnersGoAheadOfOneWhoWantsAHundred) {
  SchedulerFixture f({.max_sequences = 16});
  std::vector<std::shared_ptr<Record>> heavy;
  for (int i = 0; i < 100; ++i) heavy.push_back(f.submit(request_of(count_to(300, i), 100, "heavy")));
  for (int i = 0; i < 200; ++i) f.scheduler.step();
  double slowest = 0;
  for (int round = 0; round < 5; ++round) {
    std::vector<std::shared_ptr<Record>> light;
    for (int i = 0; i < 9; ++i)
      light.push_back(f.submit(request_of(count_to(100, 11 * i + round), 20, "light " + std::to_string(i))));
    const double start = f.seconds;
    const auto has_token = [](const auto& record) { return !record->taken.empty(); };
    while (!std::ranges::all_of(light, has_token)) f.scheduler.step();
    slowest = std::max(slowest, f.seconds - start);
    for (int i = 0; i < 30; ++i) f.scheduler.step();
  }
  // Nine prompts of 100 tokens at 1 ms, and what generates beside them.
  EXPECT_LT(slowest, 2 * 0.9);
  run(f.scheduler);
  for (const auto& record : heavy) EXPECT_EQ(record->finish(), FinishReason::kLength);
  EXPECT_GT(f.scheduler.stats().paused, 0);
  f.expect_no_leak();
}

// Owners who want as much as they can get are served alike, whatever the shape of their requests.
TEST(Scheduler, BusyOwnersGetTheSameNumberOfTokens) {
  SchedulerFixture f({.max_sequences = 8, .max_waiting = 1000, .max_waiting_of_owner = 1000});
  std::map<TokenId, std::int64_t> computed;  // by the first token of the prompt
  f.model.before_forward = [&](std::span<const SequenceStep> steps) -> Status {
    for (const SequenceStep& step : steps) {
      f.seconds += 0.001 * static_cast<double>(step.tokens.size());
      const TokenId first =
          step.kv.length == 0 ? step.tokens[0] : *reinterpret_cast<const std::uint16_t*>(step.kv.pages[0]);
      computed[first] += std::ssize(step.tokens);
    }
    return {};
  };
  for (TokenId i = 0; i < 150; ++i) {
    f.submit(request_of(joined({1, 10 + i}, count_to(900)), 5, "long"));
    for (int k = 0; k < 4; ++k) f.submit(request_of(joined({2, 10 + i, 10 + k}, count_to(87)), 5, "short"));
  }
  for (int i = 0; i < 400; ++i) f.scheduler.step();
  EXPECT_GT(computed[1] + computed[2], 300 * 100);
  EXPECT_NEAR(static_cast<double>(computed[1]), static_cast<double>(computed[2]),
              static_cast<double>(FairShare::kQuantumTokens + 8 * 512));
}

TEST(Scheduler, TheUrgentGoFirstAndMakeOthersPause) {
  SchedulerFixture f({.max_sequences = 2});
  const auto first = f.submit(request_of(count_to(50), 100, "a"));
  const auto second = f.submit(request_of(count_to(50, 9), 100, "a"));
  const auto third = f.submit(request_of(count_to(50, 19), 100, "a"));
  for (int i = 0; i < 5; ++i) f.scheduler.step();
  SequenceRequest urgent = request_of(count_to(50, 30), 10, "b");
  urgent.priority = 1;
  SequenceRequest idle = request_of(count_to(50, 40), 10, "c");
  idle.priority = -1;
  const auto last = f.submit(idle);
  const auto next = f.submit(urgent);
  while (!next->is_done()) f.scheduler.step();
  EXPECT_FALSE(first->is_done());
  EXPECT_TRUE(last->read.empty());
  EXPECT_EQ(f.scheduler.stats().paused, 1);
  run(f.scheduler);
  EXPECT_EQ(second->taken, alone(request_of(count_to(50, 9), 100, "a"), 2000));
  EXPECT_TRUE(third->is_done());
  EXPECT_TRUE(last->is_done());
}

TEST(Scheduler, AnErrorOfAStepEndsItsSequencesOnly) {
  SchedulerFixture f({.max_sequences = 2});
  const auto first = f.submit(request_of(count_to(100), 100));
  const auto second = f.submit(request_of(count_to(100, 9), 100));
  const auto third = f.submit(request_of(count_to(100, 19), 10));
  for (int i = 0; i < 10; ++i) f.scheduler.step();
  f.fails = true;
  f.scheduler.step();
  f.fails = false;
  for (const auto& record : {first, second}) {
    ASSERT_TRUE(record->is_done());
    EXPECT_EQ(record->result->error().message, "the disk is gone");
  }
  EXPECT_FALSE(third->is_done());
  run(f.scheduler);
  EXPECT_EQ(third->taken, alone(request_of(count_to(100, 19), 10), 2000));
  EXPECT_EQ(f.scheduler.stats().failed, 2);
  f.expect_no_leak();
}

TEST(Scheduler, DrainsThenCancels) {
  SchedulerFixture f;
  const auto brief = f.submit(request_of(count_to(10), 5));
  const auto lengthy = f.submit(request_of(count_to(10, 50), 1900));
  f.scheduler.step();
  f.scheduler.drain(0.5);
  const auto refused =
      f.scheduler.submit(request_of({1}, 1), std::make_unique<Recorder>(std::make_shared<Record>()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Refusal::Kind::kStopping);
  const double start = f.seconds;
  run(f.scheduler);
  EXPECT_FALSE(f.scheduler.wait());
  EXPECT_NEAR(f.seconds - start, 0.5, 0.1);
  EXPECT_EQ(brief->finish(), FinishReason::kLength);
  EXPECT_EQ(lengthy->finish(), FinishReason::kCancelled);
}

TEST(Scheduler, TellsEverybodyWhenItIsDestroyed) {
  std::shared_ptr<Record> running, waiting, fresh;
  {
    SchedulerFixture f({.max_sequences = 1});
    running = f.submit(request_of(count_to(10), 50));
    waiting = f.submit(request_of(count_to(10, 50), 50));
    f.scheduler.step();
    fresh = f.submit(request_of(count_to(10, 70), 50));
  }
  for (const auto& record : {running, waiting, fresh}) EXPECT_EQ(record->finish(), FinishReason::kCancelled);
}

}  // namespace
}  // namespace aloud
