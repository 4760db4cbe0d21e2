// Small real models under the scheduler: 32 sequences together get bit for bit what each gets alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <random>

#include "engine/scheduler.h"
#include "engine/scheduler_testing.h"
#include "engine/session.h"
#include "models/model_testing.h"

namespace aloud {
namespace {

constexpr std::int64_t kSequences = 32;
constexpr std::int64_t kContext = 256;

// Of every token that was drawn, the logits before it as well: the last bit counts.
class LogitsRecorder : public SequenceClient {
 public:
  explicit LogitsRecorder(std::shared_ptr<Record> record, std::vector<float>& logprobs)
      : inner_(std::move(record)), logprobs_(logprobs) {}
  std::optional<int> top_logprobs() const override { return 5; }
  Next take(const SampledToken& sampled) override {
    logprobs_.push_back(sampled.logprob);
    for (const TokenLogprob& top : sampled.top) logprobs_.push_back(top.logprob);
    return inner_.take(sampled);
  }
  void finished(Result<Generation> result) override { inner_.finished(std::move(result)); }

 private:
  Recorder inner_;
  std::vector<float>& logprobs_;
};

struct Outcome {
  std::shared_ptr<Record> record = std::make_shared<Record>();
  std::vector<float> logprobs;
};

// Half of them of one owner, with beginnings in common; prompts of 1 to 150 tokens.
std::vector<SequenceRequest> random_requests(std::int64_t vocabulary) {
  std::mt19937 generator(5);
  const auto up_to = [&](std::int64_t n) {
    return static_cast<std::int64_t>(generator() % static_cast<unsigned>(n));
  };
  const auto words = [&](std::int64_t count) {
    std::vector<TokenId> tokens;
    while (count-- > 0) tokens.push_back(static_cast<TokenId>(up_to(vocabulary)));
    return tokens;
  };
  const std::vector<TokenId> common = words(100);
  std::vector<SequenceRequest> requests;
  for (std::int64_t i = 0; i < kSequences; ++i) {
    std::vector<TokenId> prompt;
    if (i % 2 == 0) prompt.assign(common.begin(), common.begin() + up_to(100));
    const std::vector<TokenId> own = words(1 + up_to(50));
    prompt.insert(prompt.end(), own.begin(), own.end());
    requests.push_back(request_of(prompt, 8 + up_to(60), "owner " + std::to_string(i % 2 == 0 ? 0 : i % 5),
                                  static_cast<std::uint64_t>(i)));
  }
  return requests;
}

Outcome run_alone(Loaded& loaded, const SequenceRequest& request) {
  Outcome outcome;
  Session session(*loaded.model, loaded.vocabulary(), kContext);
  CHECK(session.read(request.prompt));
  Sampler sampler(request.sampling);
  sampler.begin(request.prompt);
  LogitsRecorder recorder(outcome.record, outcome.logprobs);
  CHECK(generate(session, sampler, request.max_tokens, recorder));
  return outcome;
}

void expect_the_same_together(Loaded& loaded, const std::vector<SequenceRequest>& requests,
                              const std::vector<Outcome>& expected, std::int64_t max_pages) {
  // The clock stands for a machine on which a step has time for about 40 tokens.
  double seconds = 0;
  SchedulerOptions options{.context = kContext, .max_pages = max_pages, .threads = &loaded.pool};
  options.clock = [&] { return seconds; };
  Scheduler scheduler(*loaded.model, loaded.vocabulary(), options);
  // Twice: the second time all prompts are cached, with what was generated.
  for (int round = 0; round < 2; ++round) {
    std::vector<Outcome> found(requests.size());
    for (std::size_t i = 0; i < requests.size(); ++i) {
      CHECK(scheduler.submit(requests[i],
                             std::make_unique<LogitsRecorder>(found[i].record, found[i].logprobs)));
      if (i % 3 == 0) scheduler.step();
      seconds += 0.1;
    }
    while (scheduler.step()) seconds += 0.1;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      ASSERT_TRUE(found[i].record->is_done());
      EXPECT_EQ(found[i].record->taken, expected[i].record->taken) << i;
      EXPECT_EQ(found[i].logprobs, expected[i].logprobs) << i;
    }
  }
  EXPECT_GT(scheduler.stats().cached_tokens, 0);
  if (max_pages < kSequences) {
    EXPECT_GT(scheduler.stats().repeated_tokens, 0);
  }
}

class SlowSchedulerModel : public testing::TestWithParam<const char*> {};

TEST_P(SlowSchedulerModel, EverySequenceGetsTheBitsThatItGetsAlone) {
  Loaded loaded(GetParam(), supported_isas().front(), 2);
  const std::vector<SequenceRequest> requests = random_requests(loaded.vocabulary());
  std::vector<Outcome> expected;
  for (const SequenceRequest& request : requests) expected.push_back(run_alone(loaded, request));
  for (const std::int64_t pages : {200, 14}) {
    SCOPED_TRACE(pages);
    expect_the_same_together(loaded, requests, expected, pages);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SlowSchedulerModel,
                         testing::Values("qwen2-Q4_K_M.gguf", "llama-Q8_0.gguf", "deepseek3-Q4_K_M.gguf",
                                         "deepseek2-Q8_0.gguf"),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::ranges::replace_if(
                               name, [](char c) { return !std::isalnum(c); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace aloud
