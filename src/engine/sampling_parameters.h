// What may be told about sampling: the parameters, their ranges in one table, and the defaults of a model
// file.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"
#include "weights/gguf.h"

namespace aloud {

struct LogitBias {
  TokenId token = kNoToken;
  double bias = 0;  // added to the token's logit
};

// Neutral values switch a step off. The defaults are what the makers of R1 recommend.
struct SamplingParameters {
  double temperature = 0.6;   // 0: the likeliest token, of equals the one with the lowest id
  std::int64_t top_k = 0;     // the likeliest k only; 0: all
  double top_p = 0.95;        // the smallest set of likeliest tokens whose probabilities sum to this
  double min_p = 0;           // only tokens with at least this share of the likeliest token's probability
  double repeat_penalty = 1;  // divides (or multiplies, where negative) logits of tokens in prompt or reply
  double frequency_penalty = 0;  // subtracted once for each time a token is in the reply
  double presence_penalty = 0;   // subtracted once for each token that is in the reply
  std::uint64_t seed = 0;
  std::vector<LogitBias> logit_bias;
};

// What a caller chose; the rest is the model's own.
struct SamplingChoices {
  std::vector<std::optional<double>> values;  // one for each of sampling_ranges(), or empty: none
  std::optional<std::uint64_t> seed;          // absent: a random one
  std::vector<LogitBias> logit_bias;
};

// One numeric parameter: its name as in options and requests, and the closed range that is allowed.
struct SamplingRange {
  std::string_view name;
  double low = 0;
  double high = 0;
  double (*get)(const SamplingParameters&);
  void (*set)(SamplingParameters&, double);
  std::string_view metadata_key;  // where model files keep their default, or empty
};

std::span<const SamplingRange> sampling_ranges();

// Errors: a value outside its range or not a number, a bias outside [-100, 100] or for a token outside
// [0, vocabulary); each names the parameter, the value and the range.
Status check_sampling(const SamplingParameters& parameters, std::int64_t vocabulary);

// 64 bits from the system.
std::uint64_t random_seed();

// The defaults changed by the choices. Errors: those of check_sampling().
Result<SamplingParameters> choose_sampling(const SamplingChoices& choices, SamplingParameters defaults,
                                           std::int64_t vocabulary);

// The file's recommendation (general.sampling.temp, .top_k, .top_p, ...) where it has a valid one.
SamplingParameters default_sampling(const Metadata& metadata);

}  // namespace aloud
