// Helpers of the scheduler's tests: clients that write down what they hear.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "engine/scheduler.h"

namespace aloud {

// Every token counts, and where it stands.
inline std::uint32_t hash_of(std::span<const TokenId> tokens) {
  std::uint32_t hash = 1;
  for (const TokenId token : tokens) hash = (hash ^ static_cast<std::uint32_t>(token)) * 16777619u;
  return hash;
}

// What one client heard.
struct Record {
  std::vector<TokenId> taken;
  std::vector<TokenId> fed;
  std::vector<std::int64_t> positions;
  std::vector<double> estimates;
  std::vector<std::int64_t> read;  // done, each time
  std::int64_t cached = 0;
  std::optional<Result<Generation>> result;  // when it has finished
  bool is_destroyed = false;

  bool is_done() const { return result.has_value(); }
  FinishReason finish() const {
    CHECK(result && *result);
    return (*result)->finish;
  }
};

// Takes tokens until one of them is 0. A multiple of 16 is followed by a token that nobody sampled.
class Recorder : public SequenceClient {
 public:
  explicit Recorder(std::shared_ptr<Record> record) : record_(std::move(record)) {}
  ~Recorder() override { record_->is_destroyed = true; }

  void waiting(std::int64_t position, double seconds) override {
    CHECK(!record_->is_done());
    record_->positions.push_back(position);
    record_->estimates.push_back(seconds);
  }
  void reading(std::int64_t done, std::int64_t total, std::int64_t cached) override {
    CHECK(!record_->is_done() && record_->taken.empty());
    CHECK(cached <= done && done <= total && (record_->read.empty() || done > record_->read.back()));
    record_->read.push_back(done);
    record_->cached = cached;
  }
  Next take(const SampledToken& sampled) override {
    CHECK(!record_->is_done());
    record_->taken.push_back(sampled.token);
    if (on_take) on_take();
    if (sampled.token == 0) return {.stop = true};
    feed_ = {sampled.token};
    if (sampled.token % 16 == 0) feed_.push_back(1);
    record_->fed.insert(record_->fed.end(), feed_.begin(), feed_.end());
    return {.feed = feed_};
  }
  void finished(Result<Generation> result) override {
    CHECK(!record_->is_done());
    record_->result = std::move(result);
  }

  std::function<void()> on_take;

 private:
  std::shared_ptr<Record> record_;
  std::vector<TokenId> feed_;
};

inline SequenceRequest request_of(std::vector<TokenId> prompt, std::int64_t max_tokens,
                                  std::string owner = "somebody", std::uint64_t seed = 1) {
  SequenceRequest request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  request.owner = std::move(owner);
  request.sampling.temperature = 2;
  request.sampling.top_p = 1;
  request.sampling.seed = seed;
  return request;
}

// The request must be taken.
inline std::shared_ptr<Record> submit(Scheduler& scheduler, SequenceRequest request,
                                      SequenceId* id = nullptr) {
  auto record = std::make_shared<Record>();
  const auto taken = scheduler.submit(std::move(request), std::make_unique<Recorder>(record));
  CHECK(taken);
  if (id != nullptr) *id = *taken;
  return record;
}

inline void run(Scheduler& scheduler) {
  while (scheduler.step()) {
  }
}

}  // namespace aloud
