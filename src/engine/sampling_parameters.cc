// The table of sampling parameters.
#include "engine/sampling_parameters.h"

#include <random>
#include <utility>

namespace aloud {
namespace {

constexpr double kMaxBias = 100;

#define ALOUD_FIELD(field)                                                  \
  [](const SamplingParameters& p) { return static_cast<double>(p.field); }, \
      [](SamplingParameters& p, double value) { p.field = static_cast<decltype(p.field)>(value); }

constexpr SamplingRange kRanges[] = {
    {"temperature", 0, 5, ALOUD_FIELD(temperature), "general.sampling.temp"},
    {"top_k", 0, 1e6, ALOUD_FIELD(top_k), "general.sampling.top_k"},
    {"top_p", 0, 1, ALOUD_FIELD(top_p), "general.sampling.top_p"},
    {"min_p", 0, 1, ALOUD_FIELD(min_p), "general.sampling.min_p"},
    {"repeat_penalty", 0.01, 10, ALOUD_FIELD(repeat_penalty), "general.sampling.penalty_repeat"},
    {"frequency_penalty", -2, 2, ALOUD_FIELD(frequency_penalty), ""},
    {"presence_penalty", -2, 2, ALOUD_FIELD(presence_penalty), ""},
};

#undef ALOUD_FIELD

// False for NaN as well.
bool within(double value, double low, double high) { return value >= low && value <= high; }

}  // namespace

std::span<const SamplingRange> sampling_ranges() { return kRanges; }

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

Status check_sampling(const SamplingParameters& parameters, std::int64_t vocabulary) {
  for (const SamplingRange& range : kRanges) {
    const double value = range.get(parameters);
    if (!within(value, range.low, range.high)) {
      return fail("{}: {} is not within {} to {}", range.name, value, range.low, range.high);
    }
  }
  for (const LogitBias& bias : parameters.logit_bias) {
    if (bias.token < 0 || bias.token >= vocabulary) {
      return fail("logit_bias: token {} is not within 0 to {}", bias.token, vocabulary - 1);
    }
    if (!within(bias.bias, -kMaxBias, kMaxBias)) {
      return fail("logit_bias: {} for token {} is not within {} to {}", bias.bias, bias.token, -kMaxBias,
                  kMaxBias);
    }
  }
  return {};
}

Result<SamplingParameters> choose_sampling(const SamplingChoices& choices, SamplingParameters defaults,
                                           std::int64_t vocabulary) {
  SamplingParameters parameters = std::move(defaults);
  for (std::size_t i = 0; i < choices.values.size(); ++i) {
    const SamplingRange& range = kRanges[i];
    const std::optional<double> value = choices.values[i];
    if (!value) continue;
    // Before it is stored: a count does not hold every real number.
    if (!within(*value, range.low, range.high)) {
      return fail("{}: {} is not within {} to {}", range.name, *value, range.low, range.high);
    }
    range.set(parameters, *value);
  }
  parameters.logit_bias.insert(parameters.logit_bias.end(), choices.logit_bias.begin(),
                               choices.logit_bias.end());
  parameters.seed = choices.seed ? *choices.seed : random_seed();
  TRY(check_sampling(parameters, vocabulary));
  return parameters;
}

SamplingParameters default_sampling(const Metadata& metadata) {
  SamplingParameters parameters;
  for (const SamplingRange& range : kRanges) {
    if (range.metadata_key.empty()) continue;
    const std::optional<double> value = metadata.real(range.metadata_key);
    if (value && within(*value, range.low, range.high)) range.set(parameters, *value);
  }
  return parameters;
}

}  // namespace aloud
