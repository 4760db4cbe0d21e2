// The measurements of aloud bench: prefill, decode of many sequences, and what they cost per token.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "kernels/probe.h"
#include "models/model.h"

namespace aloud {

// Work per token, from the file: what a perfect program would have to do.
struct TokenCost {
  std::int64_t decode_bytes = 0;  // of weights read for one generated token (of the experts, those it uses)
  std::int64_t decode_macs = 0;   // multiply-adds of one generated token
  std::int64_t prefill_macs = 0;  // of one prompt token (without the output matrix)
};

TokenCost token_cost(const GgufFile& file);

// Seconds to prefill one prompt of so many pseudo-random tokens into an empty cache: the median of repeats.
Result<double> measure_prefill(Model& model, std::int64_t tokens, int repeats);

struct DecodeSpeed {
  std::int64_t sequences = 0;
  double tokens_per_second = 0;  // of all sequences together
};

// Generates `tokens` tokens for each of `sequences` different prompts of 128 tokens, all in one step at a
// time. The prompts' own time does not count.
Result<DecodeSpeed> measure_decode(Model& model, std::int64_t sequences, std::int64_t tokens);

// Prompt length of measure_decode.
inline constexpr std::int64_t kDecodePromptTokens = 128;

}  // namespace aloud
