// Random companies of sequences on a scripted model: everybody gets what he gets alone, and nothing is lost.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "engine/fake_model.h"
#include "engine/scheduler.h"
#include "engine/scheduler_testing.h"
#include "engine/session.h"

namespace aloud {
namespace {

constexpr std::int64_t kSimulatedTokens = 60;

// 0 ends the reply and comes now and then.
std::int32_t mixed_or_end(std::span<const std::int32_t> tokens) {
  return static_cast<std::int32_t>(hash_of(tokens) % static_cast<std::uint32_t>(kSimulatedTokens));
}

struct SimulatedCase {
  std::uint32_t seed;
  bool roles_matter;
  SchedulerOptions options;
};

// One request and what became of it.
struct Visitor {
  SequenceRequest request;
  SequenceId id = 0;
  std::shared_ptr<Record> record;
  bool is_cancelled = false;
};

class Simulation {
 public:
  explicit Simulation(const SimulatedCase& tested)
      : generator_(tested.seed),
        options_(complete(tested.options)),
        model_(kSimulatedTokens, mixed_or_end, tested.roles_matter),
        scheduler_(model_, kSimulatedTokens, options_),
        reference_(kSimulatedTokens, mixed_or_end, tested.roles_matter) {
    model_.before_forward = [this](std::span<const SequenceStep> steps) -> Status {
      for (const SequenceStep& step : steps) seconds_ += 0.001 * static_cast<double>(step.tokens.size());
      EXPECT_LE(std::ssize(steps), options_.max_sequences);
      return {};
    };
  }

  void run(int requests) {
    for (int steps = 0; std::ssize(visitors_) < requests; ++steps) {
      if (up_to(4) == 0) visit();
      if (!visitors_.empty() && up_to(40) == 0) cancel_one();
      if (up_to(300) == 0) finish_all();  // now and then nobody is left
      step();
    }
    finish_all();
    for (const Visitor& visitor : visitors_) expect_right(visitor);
  }
  SchedulerStats stats() const { return scheduler_.stats(); }

 private:
  SchedulerOptions complete(SchedulerOptions options) {
    options.clock = [this] { return seconds_; };
    return options;
  }
  std::int64_t up_to(std::int64_t n) {
    return static_cast<std::int64_t>(generator_() % static_cast<unsigned>(n));
  }
  std::vector<TokenId> words(std::uint32_t seed, std::int64_t count) {
    std::mt19937 generator(seed);
    std::vector<TokenId> tokens;
    while (std::ssize(tokens) < count)
      tokens.push_back(static_cast<TokenId>(generator() % static_cast<unsigned>(kSimulatedTokens)));
    return tokens;
  }

  // Some begin with a public text, some with one of their owner's, some go on from an earlier conversation,
  // some are sampled several times.
  void visit() {
    SequenceRequest request =
        request_of({}, 1 + up_to(150), "owner " + std::to_string(up_to(4)), generator_());
    request.priority = up_to(10) == 0 ? 1 : 0;
    const auto add = [&](const std::vector<TokenId>& more) {
      request.prompt.insert(request.prompt.end(), more.begin(), more.end());
    };
    if (up_to(2) == 0) {
      add(words(7, 100));
      request.public_tokens = 100;
    }
    if (up_to(2) == 0) add(words(static_cast<std::uint32_t>(request.owner.back()), 90));
    if (!visitors_.empty() && up_to(3) == 0) {
      const Visitor& earlier = visitors_[static_cast<std::size_t>(up_to(std::ssize(visitors_)))];
      request.owner = earlier.request.owner;
      request.public_tokens = earlier.request.public_tokens;
      request.prompt = earlier.request.prompt;
      add(earlier.record->fed);
    }
    add(words(static_cast<std::uint32_t>(generator_()), 1 + up_to(up_to(10) == 0 ? 250 : 50)));
    for (std::int64_t samples = up_to(5) == 0 ? 3 : 1; samples > 0; --samples) {
      ++request.sampling.seed;
      submit(request);
    }
  }
  void submit(const SequenceRequest& request) {
    Visitor visitor{.request = request, .record = std::make_shared<Record>()};
    const auto taken = scheduler_.submit(request, std::make_unique<Recorder>(visitor.record));
    if (taken) {
      visitor.id = *taken;
      visitors_.push_back(std::move(visitor));
    } else if (taken.error().kind == Refusal::Kind::kDoesNotFit) {
      EXPECT_GE(std::ssize(request.prompt), std::min(options_.context, options_.max_pages * kPageTokens));
    } else {
      EXPECT_GT(taken.error().retry_after_seconds, 0);
    }
  }
  void cancel_one() {
    Visitor& visitor = visitors_[static_cast<std::size_t>(up_to(std::ssize(visitors_)))];
    scheduler_.cancel(visitor.id);
    if (!visitor.record->is_done()) visitor.is_cancelled = true;
  }

  bool step() {
    const bool works = scheduler_.step();
    const SchedulerStats stats = scheduler_.stats();
    EXPECT_LE(stats.pages_used, options_.max_pages);
    EXPECT_LE(stats.reading + stats.generating, options_.max_sequences);
    const auto is_here = [](const Visitor& visitor) { return !visitor.record->is_done(); };
    EXPECT_EQ(stats.waiting + stats.reading + stats.generating, std::ranges::count_if(visitors_, is_here));
    for (const Visitor& visitor : visitors_) {
      EXPECT_EQ(visitor.record->is_done(), visitor.record->is_destroyed);
      // Cancelled means gone by the next step.
      EXPECT_TRUE(!visitor.is_cancelled || visitor.record->is_done());
    }
    return works;
  }
  void finish_all() {
    int steps = 0;
    while (step()) {
      ++steps;
      ASSERT_LT(steps, 100000) << "somebody starves";
    }
    const SchedulerStats stats = scheduler_.stats();
    EXPECT_EQ(stats.waiting + stats.reading + stats.generating, 0);
    EXPECT_EQ(stats.pages_used, stats.pages_idle) << "a page is lost";
  }

  void expect_right(const Visitor& visitor) {
    const std::int64_t context = std::min(options_.context, options_.max_pages * kPageTokens);
    Session session(reference_, kSimulatedTokens, context);
    ASSERT_TRUE(session.read(visitor.request.prompt));
    Sampler sampler(visitor.request.sampling);
    sampler.begin(visitor.request.prompt);
    auto expected = std::make_shared<Record>();
    Recorder recorder(expected);
    const auto result = generate(session, sampler, visitor.request.max_tokens, recorder);
    ASSERT_TRUE(result && *visitor.record->result);
    const Generation& found = **visitor.record->result;
    const std::vector<TokenId>& taken = visitor.record->taken;
    if (found.finish == FinishReason::kCancelled) {
      EXPECT_TRUE(visitor.is_cancelled);
      ASSERT_LE(taken.size(), expected->taken.size());
      expected->taken.resize(taken.size());
    } else {
      EXPECT_EQ(found.finish, result->finish);
      EXPECT_EQ(found.sampled_tokens, result->sampled_tokens);
    }
    EXPECT_EQ(taken, expected->taken);
  }

  std::mt19937 generator_;
  double seconds_ = 0;
  SchedulerOptions options_;
  FakeModel model_;
  Scheduler scheduler_;
  FakeModel reference_;
  std::vector<Visitor> visitors_;
};

class SchedulerSimulation : public testing::TestWithParam<bool> {};

TEST_P(SchedulerSimulation, RoomForAll) {
  Simulation simulation({1, GetParam(), {.context = 1000, .max_pages = 2000}});
  simulation.run(400);
  EXPECT_EQ(simulation.stats().repeated_tokens, 0);
  EXPECT_GT(simulation.stats().cached_tokens, simulation.stats().prompt_tokens);
}

TEST_P(SchedulerSimulation, FewPages) {
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    Simulation simulation({seed, GetParam(), {.context = 600, .max_pages = 9 + 4 * seed}});
    simulation.run(200);
    EXPECT_GT(simulation.stats().paused, 0);
    EXPECT_GT(simulation.stats().repeated_tokens, 0);
    EXPECT_GT(simulation.stats().cached_tokens, 0);
    EXPECT_GT(simulation.stats().cancelled, 0);
  }
}

TEST_P(SchedulerSimulation, FewPlacesAndAShortQueue) {
  Simulation simulation(
      {5,
       GetParam(),
       {.context = 600, .max_pages = 40, .max_sequences = 3, .max_waiting = 12, .max_waiting_of_owner = 6}});
  simulation.run(300);
  EXPECT_GT(simulation.stats().refused, 0);
  EXPECT_GT(simulation.stats().paused, 0);
}

TEST_P(SchedulerSimulation, OneAtATimeInAFewPages) {
  Simulation simulation({6, GetParam(), {.context = 600, .max_pages = 4, .max_sequences = 1}});
  simulation.run(100);
}

INSTANTIATE_TEST_SUITE_P(Roles, SchedulerSimulation, testing::Bool());

}  // namespace
}  // namespace aloud
