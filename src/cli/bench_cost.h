// What a token costs a perfect program, from the file, and the share of a machine's limits that a speed
// amounts to.
#pragma once

#include <cstdint>

#include "kernels/probe.h"
#include "weights/gguf.h"

namespace aloud {

// Multiply-adds by the arithmetic that they could be done in: int8 with quantised weights; bf16, or where a
// machine has none fp32, with weights in floats.
struct Macs {
  double int8 = 0;
  double floats = 0;
};

struct ModelCost {
  double shared_bytes = 0;        // of weights that every step reads, however many sequences it has
  double expert_bytes = 0;        // of all routed experts together
  std::int64_t experts = 0;       // per layer; 0: there are none
  std::int64_t used_experts = 0;  // by a token
  double kv_bytes_per_token = 0;
  Macs prompt_token;  // without the output matrix, which only the last token meets
  Macs generated_token;

  // Reads the tensors and the numbers of experts; kv_bytes_per_token is the cache's.
  static ModelCost of(const GgufFile& file, std::int64_t kv_bytes_per_token);

  // Bytes that a step reads which adds one token to each of so many sequences, with so many tokens in each
  // cache. Of the experts those count that are met on average when tokens choose independently.
  double step_bytes(std::int64_t sequences, double cached_tokens) const;
};

// The part of a second's possible reading or arithmetic that so many steps or tokens a second need.
double read_share(double step_bytes, double steps_per_second, const MachineLimits& limits);
double compute_share(const Macs& token, double tokens_per_second, const MachineLimits& limits);

}  // namespace aloud
