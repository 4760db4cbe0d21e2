// The loop that makes a reply: sample, deliver, forward.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "engine/token_mask.h"

namespace aloud {

// kStop: the consumer ended it (end of turn, stop string); kLength: max_tokens; kContext: the context is
// full.
enum class FinishReason { kStop, kLength, kContext, kCancelled };

std::string_view name(FinishReason reason);  // "stop", "length", "context", "cancelled"

struct TokenLogprob {
  TokenId token = kNoToken;
  float logprob = 0;
};

// A token that was drawn. The logprobs are those of the model: before bias, penalties, temperature and masks.
struct SampledToken {
  TokenId token = kNoToken;
  float logprob = 0;                  // where the consumer wants them, as the following
  std::span<const TokenLogprob> top;  // the likeliest, best first; valid during the call
};

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
  // Ids that alone may be sampled next, of those that are not forbidden; nullptr: all. Valid until take().
  virtual const TokenMask* allowed() const { return nullptr; }
  // How many of the likeliest tokens are to be told with each token; absent: no logprobs at all.
  virtual std::optional<int> top_logprobs() const { return {}; }
  // Takes a sampled token.
  virtual Next take(const SampledToken& sampled) = 0;
};

struct Generation {
  FinishReason finish = FinishReason::kStop;
  std::int64_t sampled_tokens = 0;
  double seconds = 0;
  double first_token_seconds = 0;  // until the first token was taken
  // Of a sequence of the scheduler; seconds begin when these two are over.
  double waiting_seconds = 0;      // until its prompt was begun
  double reading_seconds = 0;      // until its prompt was read
  std::int64_t cached_tokens = 0;  // of the prompt: they were there when it was begun
};

// What a consumer wants to be drawn, as long as that is valid.
struct DrawWishes {
  std::span<const TokenId> forbidden;
  const TokenMask* allowed = nullptr;
  std::optional<int> top_logprobs;

  static DrawWishes of(const TokenConsumer& consumer) {
    return {consumer.forbidden(), consumer.allowed(), consumer.top_logprobs()};
  }
};

struct DrawnToken {
  TokenId token = kNoToken;  // kNoToken: none was left
  float logprob = 0;
  std::vector<TokenLogprob> top;
};

// Draws a token. Changes logits. Nothing but logits and sampler is touched: several may be drawn at a time.
DrawnToken draw(std::span<float> logits, Sampler& sampler, const DrawWishes& wishes);

// What a reply may still take.
struct ReplyRoom {
  std::int64_t max_tokens = 0;      // to be sampled in all, at least 1
  std::int64_t context_tokens = 0;  // to be computed from here on
};

// Hands a drawn token over and counts it. Returns what is to be computed next; nothing when the reply is at
// its end, and result.finish says why. Valid as the consumer says. Errors: no token was left to draw from.
Result<std::span<const TokenId>> hand_over(const DrawnToken& drawn, Sampler& sampler, TokenConsumer& consumer,
                                           const ReplyRoom& room, Generation& result);

// Goes on from a session that has read its prompt; sampler.begin() must have been called. What is fed counts
// in the context but not in max_tokens. Errors: those of hand_over() and of the model.
Result<Generation> generate(Session& session, Sampler& sampler, std::int64_t max_tokens,
                            TokenConsumer& consumer, const std::atomic<bool>* cancel = nullptr);

}  // namespace aloud
