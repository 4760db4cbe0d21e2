// The chain of sampling steps over a list of candidates.
#include "engine/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace aloud {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Tokens less likely than e^-30 times the likeliest (all of a vocabulary of 150,000 together: 1.4e-8) are
// left out.
constexpr double kDeepest = 30;

// Weights of which the slice is the same differ by at most 1 in 64.
constexpr int kSliceShift = 52 - 6;
constexpr std::size_t slice_of(double weight) {
  const auto below_one = std::bit_cast<std::int64_t>(1.0) - std::bit_cast<std::int64_t>(weight);
  return static_cast<std::size_t>(std::max<std::int64_t>(0, below_one) >> kSliceShift);
}
constexpr std::size_t kSlices = 44 * 64;
static_assert(slice_of(0x1p-44) == kSlices);  // below e^-kDeepest

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// 1/11!, 1/10!, ..., 1/1!, 1/0!
constexpr std::array<double, 12> kExpCoefficients = [] {
  std::array<double, 12> coefficients{};
  double factorial = 1;
  for (std::size_t i = 0; i < coefficients.size(); ++i) {
    if (i > 0) factorial *= static_cast<double>(i);
    coefficients[coefficients.size() - 1 - i] = 1 / factorial;
  }
  return coefficients;
}();

// Replaces each x in [-40, 0] by e^x, with additions, multiplications and shifts only, so that compilers may
// vectorise it and machines agree; relative error below 1e-13.
void plain_exp(std::span<double> values) {
  constexpr double kRound = 0x1.8p52;  // adding it leaves the nearest integer in the lowest bits
  for (double& value : values) {
    const double shifted = value * 1.4426950408889634 + kRound;
    const double power = shifted - kRound;
    const double r = (value - power * 0.69314718036912382) - power * 1.9082149292705877e-10;
    double sum = 0;
    for (const double coefficient : kExpCoefficients) sum = sum * r + coefficient;
    value = sum * std::bit_cast<double>((std::bit_cast<std::uint64_t>(shifted) + 1023) << 52);
  }
}

// The largest of the numbers, -infinity where there is none; NaN is no number.
float highest_of(std::span<const float> logits) {
  constexpr std::size_t kLanes = 16;
  std::array<float, kLanes> lanes;
  lanes.fill(-kInfinity);
  std::size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] = logits[i + j] > lanes[j] ? logits[i + j] : lanes[j];
  }
  for (; i < logits.size(); ++i) lanes[0] = logits[i] > lanes[0] ? logits[i] : lanes[0];
  return *std::max_element(lanes.begin(), lanes.end());
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed) : state_(mix(seed)) {}

std::uint64_t RandomStream::next_bits() {
  state_ += kGolden;
  return mix(state_);
}

double RandomStream::next() { return static_cast<double>(next_bits() >> 11) * 0x1p-53; }

Sampler::Sampler(SamplingParameters parameters)
    : parameters_(std::move(parameters)), random_(parameters_.seed) {}

void Sampler::begin(std::span<const TokenId> prompt) {
  random_ = RandomStream(parameters_.seed);
  seen_.clear();
  for (const TokenId token : prompt) seen_[token].in_prompt = true;
}

void Sampler::accept(TokenId token) { ++seen_[token].in_reply; }

TokenId Sampler::sample(std::span<float> logits, std::span<const TokenId> forbidden,
                        const TokenMask* allowed) {
  adjust(logits, forbidden, allowed);
  const float highest = highest_of(logits);
  if (highest == -kInfinity) return kNoToken;
  if (parameters_.temperature == 0 || parameters_.top_k == 1) {
    return static_cast<TokenId>(std::find(logits.begin(), logits.end(), highest) - logits.begin());
  }
  gather(logits, highest);
  keep_top_k();  // before the weights: temperature does not change the order
  weigh(highest);
  keep_top_p();
  keep_min_p();
  return draw();
}

namespace {

void keep_allowed(std::span<float> logits, const TokenMask& allowed) {
  CHECK(allowed.size() >= std::ssize(logits));
  for (std::size_t i = 0; i < logits.size(); i += 64) {
    std::uint64_t refused = ~allowed.words()[i / 64];
    if (logits.size() - i < 64) refused &= (std::uint64_t{1} << (logits.size() - i)) - 1;
    for (; refused != 0; refused &= refused - 1)
      logits[i + static_cast<std::size_t>(std::countr_zero(refused))] = -kInfinity;
  }
}

}  // namespace

void Sampler::adjust(std::span<float> logits, std::span<const TokenId> forbidden,
                     const TokenMask* allowed) const {
  const auto in_range = [&](TokenId token) {
    return token >= 0 && static_cast<std::size_t>(token) < logits.size();
  };
  for (const LogitBias& bias : parameters_.logit_bias) {
    if (in_range(bias.token)) logits[static_cast<std::size_t>(bias.token)] += static_cast<float>(bias.bias);
  }
  const bool repeat = parameters_.repeat_penalty != 1;
  const bool counted = parameters_.frequency_penalty != 0 || parameters_.presence_penalty != 0;
  if (repeat || counted) {
    for (const auto& [token, seen] : seen_) {
      if (!in_range(token)) continue;
      double logit = logits[static_cast<std::size_t>(token)];
      if (repeat) logit = logit > 0 ? logit / parameters_.repeat_penalty : logit * parameters_.repeat_penalty;
      if (seen.in_reply > 0) {
        logit -= seen.in_reply * parameters_.frequency_penalty + parameters_.presence_penalty;
      }
      logits[static_cast<std::size_t>(token)] = static_cast<float>(logit);
    }
  }
  if (allowed != nullptr) keep_allowed(logits, *allowed);
  for (const TokenId token : forbidden) {
    if (in_range(token)) logits[static_cast<std::size_t>(token)] = -kInfinity;
  }
}

// Candidates come in the order of ids.
void Sampler::gather(std::span<const float> logits, float highest) {
  candidates_.clear();
  if (highest == kInfinity) {
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (logits[i] == kInfinity) candidates_.push_back({1, kInfinity, static_cast<TokenId>(i)});
    }
    return;
  }
  const double lowest = highest - kDeepest * parameters_.temperature;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] >= lowest) candidates_.push_back({0, logits[i], static_cast<TokenId>(i)});
  }
}

void Sampler::weigh(float highest) {
  if (highest == kInfinity) return;  // all alike
  weights_.resize(candidates_.size());
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const double depth = (static_cast<double>(candidates_[i].logit) - highest) / parameters_.temperature;
    weights_[i] = std::max(depth, -kDeepest);
  }
  plain_exp(weights_);
  for (std::size_t i = 0; i < weights_.size(); ++i) candidates_[i].weight = weights_[i];
}

namespace {

// Likelier first, then lower ids: a total order, so that partial sorting has one outcome only.
constexpr auto kLikelier = [](const auto& a, const auto& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
};

}  // namespace

void Sampler::keep_top_k() {
  const auto k = static_cast<std::size_t>(parameters_.top_k);
  if (k == 0 || k >= candidates_.size()) return;
  const auto end = candidates_.begin() + static_cast<std::ptrdiff_t>(k);
  std::nth_element(candidates_.begin(), end, candidates_.end(), kLikelier);
  candidates_.erase(end, candidates_.end());
  std::sort(candidates_.begin(), candidates_.end(), kLikelier);
}

// Slices of alike weights, likeliest first, tell where the share is reached: only that slice is sorted.
void Sampler::keep_top_p() {
  if (parameters_.top_p >= 1) return;
  std::array<double, kSlices> shares{};
  double total = 0;
  for (const Candidate& candidate : candidates_) {
    shares[slice_of(candidate.weight)] += candidate.weight;
    total += candidate.weight;
  }
  const double wanted = parameters_.top_p * total;
  double sum = 0;
  std::size_t last = 0;
  while (last + 1 < kSlices && sum + shares[last] < wanted) sum += shares[last++];
  boundary_.clear();
  std::size_t kept = 0;
  for (const Candidate& candidate : candidates_) {
    const std::size_t slice = slice_of(candidate.weight);
    if (slice < last) candidates_[kept++] = candidate;
    if (slice == last) boundary_.push_back(candidate);
  }
  candidates_.resize(kept);
  std::sort(boundary_.begin(), boundary_.end(), kLikelier);
  for (const Candidate& candidate : boundary_) {
    if (sum >= wanted && !candidates_.empty()) break;
    sum += candidate.weight;
    candidates_.push_back(candidate);
  }
}

void Sampler::keep_min_p() {
  if (parameters_.min_p <= 0) return;
  std::erase_if(candidates_,
                [&](const Candidate& candidate) { return candidate.weight < parameters_.min_p; });
}

TokenId Sampler::draw() {
  double total = 0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  double left = random_.next() * total;
  for (const Candidate& candidate : candidates_) {
    left -= candidate.weight;
    if (left < 0) return candidate.token;
  }
  return candidates_.back().token;
}

}  // namespace aloud
