// One timeline of tokens on a loaded model: what was computed stays computed when the next prompt begins
// alike.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/kv_cache.h"
#include "models/model.h"
#include "text/tokenizer.h"

namespace aloud {

// Tokens computed in one call of the model while a prompt is read; between chunks progress is told and
// cancellation looked at.
inline constexpr std::int64_t kPrefillChunkTokens = 256;

// Called with the tokens of the prompt that are done and their number; done counts kept tokens too.
using PrefillProgress = std::function<void(std::int64_t done, std::int64_t total)>;

// What reading a prompt did.
struct Prefill {
  std::int64_t kept_tokens = 0;  // were there already
  std::int64_t computed_tokens = 0;
  bool cancelled = false;  // what was computed until then is kept
};

// One thread. The model must outlive it.
class Session {
 public:
  // vocabulary: ids that may be sampled are [0, vocabulary), at most the model's; context: most tokens on the
  // timeline.
  Session(Model& model, std::int64_t vocabulary, std::int64_t context);

  // Makes the timeline equal to prompt: keeps the common beginning, forgets the rest, computes what is
  // missing. Errors: the prompt is empty or leaves no room in the context (both numbers are named); the
  // timeline is unchanged.
  Result<Prefill> read(std::span<const TokenId> prompt, const std::atomic<bool>* cancel = nullptr,
                       const PrefillProgress& progress = {});

  // Adds generated tokens at the end. There must be room.
  Status append(std::span<const TokenId> tokens);

  // The logits after the last token: one per id that may be sampled. Valid after read() (not cancelled) or
  // append(), until the next of them; the sampler may change them.
  std::span<float> logits() { return std::span<float>(logits_).first(static_cast<std::size_t>(vocabulary_)); }

  std::span<const TokenId> tokens() const { return tokens_; }
  std::int64_t length() const { return static_cast<std::int64_t>(tokens_.size()); }
  std::int64_t context() const { return context_; }
  std::int64_t room() const { return context_ - length(); }

 private:
  Model& model_;
  std::int64_t vocabulary_;
  std::int64_t context_;
  KvPool pool_;
  KvSequence sequence_;
  std::vector<TokenId> tokens_;  // those in the sequence
  std::vector<float> logits_;
};

}  // namespace aloud
