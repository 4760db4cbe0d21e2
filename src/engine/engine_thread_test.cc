// Tests of the engine's thread beside many that submit and cancel.
#include "engine/engine_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/fake_model.h"
#include "engine/scheduler_testing.h"

namespace aloud {
namespace {

constexpr std::int64_t kThreadTokens = 100;

std::int32_t next_of(std::span<const std::int32_t> tokens) {
  return (tokens.back() * 7 + static_cast<std::int32_t>(tokens.size())) % kThreadTokens;
}

// Counts what it hears.
struct Counts {
  std::atomic<std::int64_t> tokens{0}, finished{0}, cancelled{0}, destroyed{0};
};
class Counter : public SequenceClient {
 public:
  explicit Counter(Counts& counts) : counts_(counts) {}
  ~Counter() override { ++counts_.destroyed; }
  Next take(const SampledToken& sampled) override {
    ++counts_.tokens;
    feed_ = sampled.token;
    return {.feed = {&feed_, 1}};
  }
  void finished(Result<Generation> result) override {
    ++counts_.finished;
    if (result && result->finish == FinishReason::kCancelled) ++counts_.cancelled;
  }

 private:
  Counts& counts_;
  TokenId feed_ = 0;
};

TEST(EngineThread, ManySubmitAndCancel) {
  constexpr int kThreads = 4, kRequests = 100;
  FakeModel model(kThreadTokens, next_of);
  Scheduler scheduler(model, kThreadTokens,
                      {.context = 400,
                       .max_pages = 40,
                       .max_sequences = 8,
                       .max_waiting = 1000,
                       .max_waiting_of_owner = 1000});
  EngineThread engine(scheduler);
  Counts counts;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kRequests; ++i) {
          SequenceRequest request = request_of(std::vector<TokenId>(static_cast<std::size_t>(10 + i), t),
                                               10 + i, "owner " + std::to_string(t));
          const auto id = scheduler.submit(std::move(request), std::make_unique<Counter>(counts));
          ASSERT_TRUE(id);
          if (i % 3 == 0) std::this_thread::yield();
          if (i % 4 == 0) scheduler.cancel(*id);
          EXPECT_GE(scheduler.stats().pages_total, 0);
        }
      });
    }
  }
  engine.stop(1e6);
  EXPECT_EQ(counts.finished, kThreads * kRequests);
  EXPECT_EQ(counts.destroyed, kThreads * kRequests);
  const SchedulerStats stats = scheduler.stats();
  EXPECT_EQ(stats.finished + stats.cancelled, kThreads * kRequests);
  EXPECT_EQ(stats.cancelled, counts.cancelled);
  EXPECT_EQ(stats.pages_used, stats.pages_idle);
}

TEST(EngineThread, StopsInTheMiddleOfReplies) {
  FakeModel model(kThreadTokens, next_of);
  Scheduler scheduler(model, kThreadTokens, {.context = 100000, .max_pages = 2000});
  Counts counts;
  {
    EngineThread engine(scheduler);
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(scheduler.submit(request_of({1}, 100000), std::make_unique<Counter>(counts)));
    }
    while (counts.tokens < 10) std::this_thread::yield();
  }
  EXPECT_EQ(counts.cancelled, 5);
  EXPECT_EQ(counts.destroyed, 5);
  EXPECT_FALSE(scheduler.submit(request_of({1}, 1), std::make_unique<Counter>(counts)));
}

TEST(EngineThread, SleepsAndIsWoken) {
  FakeModel model(kThreadTokens, next_of);
  Scheduler scheduler(model, kThreadTokens, {.context = 100, .max_pages = 10});
  EngineThread engine(scheduler);
  Counts counts;
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(scheduler.submit(request_of({1, 2, 3}, 5), std::make_unique<Counter>(counts)));
    while (counts.destroyed < i) std::this_thread::yield();
  }
  EXPECT_EQ(counts.tokens, 15);
}

}  // namespace
}  // namespace aloud
