// What the scheduler costs beside the model: steps of sequences that generate, on a model that computes
// nothing.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <vector>

#include "engine/scheduler.h"
#include "kernels/register.h"

namespace aloud {
namespace {

// Gives everybody the same logits: as those of a model, most of them are far below the best.
class IdleModel : public Model {
 public:
  explicit IdleModel(std::int64_t vocabulary) : logits_(static_cast<std::size_t>(vocabulary)) {
    shape_.vocabulary = vocabulary;
    shape_.context = 1 << 20;
    shape_.kv = {.layers = 1, .heads = 1, .key_width = 1, .value_width = 0};
    std::mt19937 generator(1);
    std::normal_distribution<float> distribution(0, 3);
    std::ranges::generate(logits_, [&] { return distribution(generator); });
    for (std::size_t i = 0; i < logits_.size(); i += 1 + logits_.size() / 20) logits_[i] += 20;
  }
  const ModelShape& shape() const override { return shape_; }
  std::int64_t attention_scratch_bytes(std::int64_t, std::int64_t) const override { return 0; }
  Status forward(std::span<const SequenceStep> steps, float* logits, const std::atomic<bool>*) override {
    for (const SequenceStep& step : steps) {
      if (step.logits == Logits::kLast) logits = std::ranges::copy(logits_, logits).out;
    }
    return {};
  }

 private:
  ModelShape shape_;
  std::vector<float> logits_;
};

class Taker : public SequenceClient {
 public:
  Next take(const SampledToken& sampled) override {
    feed_ = sampled.token;
    return {.feed = {&feed_, 1}};
  }
  void finished(Result<Generation>) override {}

 private:
  TokenId feed_ = 0;
};

// One step of so many sequences at a vocabulary of that size, with so many in the queue.
void step(benchmark::State& state) {
  const std::int64_t sequences = state.range(0), vocabulary = state.range(1), waiting = state.range(2);
  IdleModel model(vocabulary);
  Scheduler scheduler(model, vocabulary,
                      {.context = 1 << 20,
                       .max_pages = 1 << 20,
                       .max_sequences = sequences,
                       .max_waiting = 1 << 20,
                       .max_waiting_of_owner = 1 << 20});
  for (std::int64_t i = 0; i < sequences + waiting; ++i) {
    SequenceRequest request;
    for (std::int64_t k = 0; k < 500; ++k)
      request.prompt.push_back(static_cast<TokenId>((k < 300 ? k : i * 31 + k) % vocabulary));
    request.max_tokens = 1 << 20;
    request.owner = std::to_string(i % sequences);
    request.sampling.seed = static_cast<std::uint64_t>(i);
    if (!scheduler.submit(std::move(request), std::make_unique<Taker>())) state.SkipWithError("refused");
  }
  while (scheduler.stats().generating < sequences) scheduler.step();
  for (auto _ : state) scheduler.step();
}

}  // namespace

void register_benchmarks() {
  benchmark::RegisterBenchmark("step", step)
      ->ArgNames({"sequences", "vocabulary", "waiting"})
      ->Args({1, 64, 0})
      ->Args({32, 64, 0})
      ->Args({32, 64, 500})
      ->Args({32, 151936, 0})
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace aloud
