// Rotary position embedding: its parameters in a model file and the angles of positions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "weights/gguf.h"

namespace aloud {

// Which numbers of a head form a pair: neighbours (2i, 2i+1), or (i, i + width / 2).
enum class RopePairing { kInterleaved, kHalfSplit };

// Sources: Su et al. 2021; position interpolation (linear); YaRN, Peng et al. 2023, as DeepSeek and Qwen
// publish it.
class Rope {
 public:
  // Reads <architecture>.rope.*; width is the number of rotated values of a head (even). divisors, if not
  // empty, holds width / 2 numbers that divide the frequencies (llama-3 scaling, tensor rope_freqs.weight).
  // Errors: a scaling type that is not known, values out of range.
  static Result<Rope> read(const Metadata& metadata, const std::string& architecture, std::int64_t width,
                           RopePairing pairing, std::span<const float> divisors = {});

  std::int64_t width() const { return 2 * static_cast<std::int64_t>(frequencies_.size()); }
  RopePairing pairing() const { return pairing_; }
  // YaRN's factor s > 1 when it is in force, else 1.
  double yarn_factor() const { return yarn_factor_; }
  // Cosines and sines are multiplied by this (YaRN's attention temperature); 1 without YaRN.
  void set_magnitude(double magnitude) { magnitude_ = magnitude; }

  // Cosines and sines of the given positions, [positions][width / 2] each.
  void angles(std::span<const std::int64_t> positions, std::vector<float>& cosine,
              std::vector<float>& sine) const;

 private:
  RopePairing pairing_ = RopePairing::kInterleaved;
  std::vector<double> frequencies_;  // radians per position
  double yarn_factor_ = 1;
  double magnitude_ = 1;
};

}  // namespace aloud
