// The loop that makes a reply: sample, deliver, forward.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "engine/sampler.h"
#include "engine/session.h"

namespace aloud {

// kStop: the consumer ended it (end of turn, stop string); kLength: max_tokens; kContext: the context is
// full.
enum class FinishReason { kStop, kLength, kContext, kCancelled };

std::string_view name(FinishReason reason);  // "stop", "length", "context", "cancelled"

// Who takes the tokens and steers what comes next.
class TokenConsumer {
 public:
  // feed: the tokens that go on the timeline, usually the sampled one; others may follow it or stand for it.
  struct Next {
    bool stop = false;
    std::span<const TokenId> feed;  // not empty unless stop; valid until the next call
  };

  virtual ~TokenConsumer() = default;
  // Ids that may not be sampled next.
  virtual std::span<const TokenId> forbidden() const { return {}; }
  // Takes a sampled token.
  virtual Next take(TokenId token) = 0;
};

struct Generation {
  FinishReason finish = FinishReason::kStop;
  std::int64_t sampled_tokens = 0;
  double seconds = 0;
  double first_token_seconds = 0;  // until the first token was taken
};

// Goes on from a session that has read its prompt; sampler.begin() must have been called. What is fed counts
// in the context but not in max_tokens. Errors: the model's logits are all NaN or -infinity.
Result<Generation> generate(Session& session, Sampler& sampler, std::int64_t max_tokens,
                            TokenConsumer& consumer, const std::atomic<bool>* cancel = nullptr);

}  // namespace aloud
