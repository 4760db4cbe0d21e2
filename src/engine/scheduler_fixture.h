// For tests: a scheduler on a scripted model and a clock that tests move.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/fake_model.h"
#include "engine/scheduler_testing.h"
#include "engine/session.h"

namespace aloud {

inline constexpr std::int64_t kModelTokens = 200;

inline std::int32_t mixed_token(std::span<const std::int32_t> tokens) {
  return 1 + static_cast<std::int32_t>(hash_of(tokens) % static_cast<std::uint32_t>(kModelTokens - 1));
}

inline std::vector<TokenId> count_to(std::int64_t n, TokenId from = 1) {
  std::vector<TokenId> tokens;
  for (std::int64_t i = 0; i < n; ++i) tokens.push_back(static_cast<TokenId>((from + i) % kModelTokens));
  return tokens;
}

inline std::vector<TokenId> joined(std::vector<TokenId> first, const std::vector<TokenId>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// What the request gives on a timeline of its own.
inline std::vector<TokenId> alone(const SequenceRequest& request, std::int64_t context,
                                  bool roles_matter = false) {
  FakeModel model(kModelTokens, mixed_token, roles_matter);
  Session session(model, kModelTokens, context);
  CHECK(session.read(request.prompt));
  Sampler sampler(request.sampling);
  sampler.begin(request.prompt);
  auto record = std::make_shared<Record>();
  Recorder recorder(record);
  CHECK(generate(session, sampler, request.max_tokens, recorder));
  return record->taken;
}

// A scheduler whose steps take as long as its tokens say.
struct SchedulerFixture {
  explicit SchedulerFixture(SchedulerOptions changed = {}, bool roles_matter = false)
      : model(kModelTokens, mixed_token, roles_matter),
        scheduler(model, kModelTokens, complete(std::move(changed))) {
    model.before_forward = [this](std::span<const SequenceStep> steps) -> Status {
      step_tokens = 0;
      for (const SequenceStep& step : steps) step_tokens += std::ssize(step.tokens);
      seconds += token_seconds * static_cast<double>(step_tokens);
      if (fails) return fail("the disk is gone");
      return {};
    };
  }
  SchedulerOptions complete(SchedulerOptions options) {
    if (options.context == 0) options.context = 2000;
    if (options.max_pages == 0) options.max_pages = 200;
    options.clock = [this] { return seconds; };
    return options;
  }
  std::shared_ptr<Record> submit(SequenceRequest request, SequenceId* id = nullptr) {
    return aloud::submit(scheduler, std::move(request), id);
  }
  // Nothing runs: all pages that are used are kept for later, each once.
  void expect_no_leak() const {
    const SchedulerStats stats = scheduler.stats();
    EXPECT_EQ(stats.waiting + stats.reading + stats.generating, 0);
    EXPECT_EQ(stats.pages_used, stats.pages_idle);
  }

  FakeModel model;
  double seconds = 100;
  double token_seconds = 0.001;
  std::int64_t step_tokens = 0;
  bool fails = false;
  Scheduler scheduler;
};

}  // namespace aloud
