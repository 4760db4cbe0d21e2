// The chain of sampling steps over a list of candidates.
#include "engine/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/check.h"

namespace aloud {
namespace {

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15u;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Tokens less likely than e^-30 times the likeliest (all of a vocabulary of 150,000 together: 1.4e-8) are
// left out.
constexpr float kDeepest = 30;

// Weights of which the slice is the same differ by at most 1 in 64.
constexpr int kSliceShift = 23 - 6;
constexpr std::size_t slice_of(float weight) {
  const std::int32_t below_one = std::bit_cast<std::int32_t>(1.0f) - std::bit_cast<std::int32_t>(weight);
  return static_cast<std::size_t>(std::max<std::int32_t>(0, below_one) >> kSliceShift);
}
constexpr std::size_t kSlices = 44 * 64;
static_assert(slice_of(0x1p-44f) == kSlices);  // below e^-kDeepest

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// 1/7!, 1/6!, ..., 1/1!, 1/0!
constexpr std::array<float, 8> kExpCoefficients = [] {
  std::array<float, 8> coefficients{};
  double factorial = 1;
  for (std::size_t i = 0; i < coefficients.size(); ++i) {
    if (i > 0) factorial *= static_cast<double>(i);
    coefficients[coefficients.size() - 1 - i] = static_cast<float>(1 / factorial);
  }
  return coefficients;
}();

// Replaces each x in [-40, 0] by e^x, with additions, multiplications and shifts only, so that compilers may
// vectorise it and machines agree; relative error below 1e-6.
void plain_exp(std::span<float> values) {
  constexpr float kRound = 0x1.8p23f;  // adding it leaves the nearest integer in the lowest bits
  for (float& value : values) {
    const float shifted = value * 1.44269504f + kRound;
    const float power = shifted - kRound;
    const float r = (value - power * 0.693359375f) + power * 2.12194440e-4f;
    float sum = 0;
    for (const float coefficient : kExpCoefficients) sum = sum * r + coefficient;
    value = sum * std::bit_cast<float>((std::bit_cast<std::uint32_t>(shifted) + 127) << 23);
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
  keep_top_k(logits);  // before the weights: temperature does not change the order
  weigh(logits, highest);
  keep_top_p(logits);
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

// Candidates are in the order of ids, here and later.
void Sampler::gather(std::span<const float> logits, float highest) {
  const float lowest =
      highest == kInfinity ? kInfinity : static_cast<float>(highest - kDeepest * parameters_.temperature);
  tokens_.resize(logits.size());
  std::size_t count = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    tokens_[count] = static_cast<TokenId>(i);
    count += logits[i] >= lowest ? 1 : 0;
  }
  tokens_.resize(count);
}

namespace {

// Likelier first, then lower ids: a total order, so that partial sorting has one outcome only.
auto likelier(std::span<const float> logits) {
  return [logits](TokenId a, TokenId b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  };
}

}  // namespace

void Sampler::keep_top_k(std::span<const float> logits) {
  const auto k = static_cast<std::size_t>(parameters_.top_k);
  if (k == 0 || k >= tokens_.size()) return;
  const auto end = tokens_.begin() + static_cast<std::ptrdiff_t>(k);
  std::nth_element(tokens_.begin(), end, tokens_.end(), likelier(logits));
  tokens_.erase(end, tokens_.end());
  std::sort(tokens_.begin(), tokens_.end());
}

void Sampler::weigh(std::span<const float> logits, float highest) {
  weights_.resize(tokens_.size());
  if (highest == kInfinity) {  // all alike
    std::ranges::fill(weights_, 1.0f);
    return;
  }
  // Temperatures may be smaller than a float's: then only what is as high as the highest is left.
  const auto coldness = static_cast<float>(std::min(1 / parameters_.temperature, 1e30));
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const float below = logits[static_cast<std::size_t>(tokens_[i])] - highest;
    weights_[i] = std::max(below * coldness, -kDeepest);
  }
  plain_exp(weights_);
}

template <class Predicate>
void Sampler::keep_if(const Predicate& is_kept) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const TokenId token = tokens_[i];
    const float weight = weights_[i];
    tokens_[kept] = token;
    weights_[kept] = weight;
    kept += static_cast<std::size_t>(is_kept(token, weight));
  }
  tokens_.resize(kept);
  weights_.resize(kept);
}

// Slices of alike weights, likeliest first, tell where the share is reached: only that slice is sorted.
void Sampler::keep_top_p(std::span<const float> logits) {
  if (parameters_.top_p >= 1) return;
  // Two of each, because neighbours are often of one slice, and adding waits for adding.
  std::array<std::array<double, 2>, kSlices> halves{};
  for (std::size_t i = 0; i < weights_.size(); ++i) halves[slice_of(weights_[i])][i % 2] += weights_[i];
  std::array<double, kSlices> shares;
  double total = 0;
  for (std::size_t i = 0; i < kSlices; ++i) total += shares[i] = halves[i][0] + halves[i][1];
  const double wanted = parameters_.top_p * total;
  double sum = 0;
  std::size_t last = 0;
  while (last + 1 < kSlices && sum + shares[last] < wanted) sum += shares[last++];
  boundary_.clear();
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (slice_of(weights_[i]) == last) boundary_.emplace_back(tokens_[i], weights_[i]);
  }
  std::sort(boundary_.begin(), boundary_.end(),
            [before = likelier(logits)](const auto& a, const auto& b) { return before(a.first, b.first); });
  TokenId last_kept = kNoToken;
  for (const auto& [token, weight] : boundary_) {
    if (sum >= wanted && last_kept != kNoToken) break;
    sum += weight;
    last_kept = token;
  }
  if (last_kept == kNoToken) return;  // nothing lies in the last slice
  // What is not less likely than that one, in the order of likelier(), without jumps.
  const float lowest = logits[static_cast<std::size_t>(last_kept)];
  keep_if([&](TokenId token, float) {
    const float logit = logits[static_cast<std::size_t>(token)];
    return static_cast<int>(logit > lowest) |
           (static_cast<int>(logit == lowest) & static_cast<int>(token <= last_kept));
  });
}

void Sampler::keep_min_p() {
  if (parameters_.min_p <= 0) return;
  keep_if([&](TokenId, float weight) { return weight >= parameters_.min_p; });
}

TokenId Sampler::draw() {
  double left = random_.next() * std::accumulate(weights_.begin(), weights_.end(), 0.0);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    left -= weights_[i];
    if (left < 0) return tokens_[i];
  }
  return tokens_.back();
}

}  // namespace aloud
