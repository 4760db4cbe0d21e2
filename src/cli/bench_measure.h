// Times a model's forward pass: prompts, and the generation of one or many sequences.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "cli/progress.h"
#include "engine/kv_cache.h"
#include "models/model.h"

namespace aloud {

// Seconds that a model takes. Prompts and what is generated are pseudo-random tokens, another row for each
// sequence. Says on progress what it does. Errors, of all: cancel was raised. One thread.
class ModelTimer {
 public:
  // max_sequences, max_tokens: at once, and on each timeline. Borrows the rest.
  ModelTimer(Model& model, std::int64_t max_sequences, std::int64_t max_tokens, Progress& progress,
             const std::atomic<bool>& cancel);

  // To read a prompt of so many tokens with nothing before it: the median of repeats.
  Result<double> prefill_seconds(std::int64_t tokens, int repeats);

  // To generate `tokens` tokens for each of `sequences` sequences, one of each per step. Before that each of
  // them reads a prompt of `context` tokens of its own, which does not count.
  Result<double> decode_seconds(std::int64_t sequences, std::int64_t context, std::int64_t tokens);

 private:
  struct Timeline {
    explicit Timeline(KvPool& pool) : cache(pool) {}
    KvSequence cache;
    std::vector<std::int32_t> tokens;  // what it is fed
  };

  // Makes the timeline's first `length` tokens, and no others, be in its cache.
  Status read_up_to(Timeline& timeline, std::int64_t length);
  Status check_cancel() const;

  Model& model_;
  Progress& progress_;
  const std::atomic<bool>& cancel_;
  KvPool pool_;
  std::vector<std::unique_ptr<Timeline>> timelines_;
  std::vector<float> logits_;
};

}  // namespace aloud
