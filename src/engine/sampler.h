// Chooses the next token from logits: the same seed and logits give the same tokens on every machine.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/sampling_parameters.h"
#include "engine/token_mask.h"
#include "text/tokenizer.h"

namespace aloud {

// A stream of random numbers: the n-th of a seed is mix(mix(seed) + n * 0x9E3779B97F4A7C15), n = 1, 2, ...,
// where mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014). Nothing but 64-bit integers, so every
// machine agrees.
class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed);
  std::uint64_t next_bits();
  double next();  // in [0, 1): the upper 53 bits

 private:
  std::uint64_t state_;
};

// The order of steps is that of the published reference servers: bias, penalties, temperature, top-k, top-p,
// min-p, draw. The repetition penalty looks at prompt and reply, the other two at the reply. Exponentials are
// computed with plain arithmetic, not with the machine's library. One sequence, one thread.
class Sampler {
 public:
  // parameters must have passed check_sampling().
  explicit Sampler(SamplingParameters parameters);

  // Starts a reply: tells the prompt's tokens, forgets the last reply and starts the random stream anew.
  void begin(std::span<const TokenId> prompt);

  // Picks from ids [0, logits.size()), of those only the allowed where there is a mask (at least as large),
  // minus the forbidden ones; changes logits. NaN counts as -infinity; if
  // there are logits of +infinity only those are picked from. kNoToken when no token is left.
  TokenId sample(std::span<float> logits, std::span<const TokenId> forbidden = {},
                 const TokenMask* allowed = nullptr);

  // A token became part of the reply (sampled or given).
  void accept(TokenId token);

 private:
  struct Seen {
    bool in_prompt = false;
    std::int32_t in_reply = 0;
  };

  void adjust(std::span<float> logits, std::span<const TokenId> forbidden, const TokenMask* allowed) const;
  void gather(std::span<const float> logits, float highest);
  void keep_top_k(std::span<const float> logits);
  void weigh(std::span<const float> logits, float highest);
  template <class Predicate>
  void keep_if(const Predicate& is_kept);
  void keep_top_p(std::span<const float> logits);
  void keep_min_p();
  TokenId draw();

  SamplingParameters parameters_;
  RandomStream random_;
  std::unordered_map<TokenId, Seen> seen_;
  // The candidates, and their probabilities times a common factor: 1 for the likeliest.
  std::vector<TokenId> tokens_;
  std::vector<float> weights_;
  std::vector<std::pair<TokenId, float>> boundary_;  // scratch
};

}  // namespace aloud
