// Computes rotary frequencies and angles in double precision.
#include "models/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/printable.h"

namespace aloud {
namespace {

// The pair that turns `rotations` times over the original context (YaRN's correction dimension).
double correction_pair(double width, double original_context, double rotations, double base) {
  return width * std::log(original_context / (rotations * 2 * std::numbers::pi)) / (2 * std::log(base));
}

}  // namespace

Result<Rope> Rope::read(const Metadata& metadata, const std::string& architecture, std::int64_t width,
                        RopePairing pairing, std::span<const float> divisors) {
  const std::string prefix = architecture + ".rope.";
  if (width <= 0 || width % 2 != 0)
    return fail("{}dimension_count is {}, expected an even number", prefix, width);
  const double base = metadata.real(prefix + "freq_base").value_or(10000);
  if (!(base > 1)) return fail("{}freq_base is {}, expected more than 1", prefix, base);

  std::string scaling(metadata.string(prefix + "scaling.type").value_or("none"));
  // Old files name a linear factor without a type.
  const double old_linear = metadata.real(prefix + "scale_linear").value_or(1);
  if (scaling == "none" && old_linear != 1) scaling = "linear";
  if (scaling != "none" && scaling != "linear" && scaling != "yarn") {
    return fail("{}scaling.type is {}, expected none, linear or yarn", prefix, printable(scaling));
  }
  const double factor = scaling == "none" ? 1 : metadata.real(prefix + "scaling.factor").value_or(old_linear);
  if (!(factor > 0) || !std::isfinite(factor))
    return fail("{}scaling.factor is {}, expected more than 0", prefix, factor);

  Rope rope;
  rope.pairing_ = pairing;
  const std::int64_t half = width / 2;
  double low = 0, high = 0;
  if (scaling == "yarn" && factor != 1) {
    const double trained =
        static_cast<double>(metadata.integer(architecture + ".context_length").value_or(0));
    const double original = metadata.real(prefix + "scaling.original_context_length").value_or(trained);
    if (!(original > 0))
      return fail("{}scaling.original_context_length is {}, expected more than 0", prefix, original);
    const double beta_fast = metadata.real(prefix + "scaling.yarn_beta_fast").value_or(32);
    const double beta_slow = metadata.real(prefix + "scaling.yarn_beta_slow").value_or(1);
    const auto pairs = static_cast<double>(width);
    low = std::max(0.0, std::floor(correction_pair(pairs, original, beta_fast, base)));
    high = std::min(pairs - 1, std::ceil(correction_pair(pairs, original, beta_slow, base)));
    rope.yarn_factor_ = factor;
    const double attention_factor = metadata.real(prefix + "scaling.attn_factor").value_or(1);
    rope.magnitude_ = attention_factor * (1 + 0.1 * std::log(factor));
  }
  for (std::int64_t i = 0; i < half; ++i) {
    double frequency = std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(width));
    if (!divisors.empty()) frequency /= divisors[static_cast<std::size_t>(i)];
    if (rope.yarn_factor_ != 1) {
      // Fast pairs keep their frequency, slow ones are interpolated, a ramp lies between.
      const double ramp = std::clamp((static_cast<double>(i) - low) / std::max(0.001, high - low), 0.0, 1.0);
      frequency = frequency / factor * ramp + frequency * (1 - ramp);
    } else {
      frequency /= factor;
    }
    rope.frequencies_.push_back(frequency);
  }
  return rope;
}

void Rope::angles(std::span<const std::int64_t> positions, std::vector<float>& cosine,
                  std::vector<float>& sine) const {
  const std::size_t half = frequencies_.size();
  cosine.resize(positions.size() * half);
  sine.resize(positions.size() * half);
  for (std::size_t p = 0; p < positions.size(); ++p) {
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(positions[p]) * frequencies_[i];
      cosine[p * half + i] = static_cast<float>(std::cos(angle) * magnitude_);
      sine[p * half + i] = static_cast<float>(std::sin(angle) * magnitude_);
    }
  }
}

}  // namespace aloud
