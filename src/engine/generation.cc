// Samples until a reason to finish turns up.
#include "engine/generation.h"

#include <chrono>

#include "base/check.h"

namespace aloud {

std::string_view name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContext:
      return "context";
    case FinishReason::kCancelled:
      return "cancelled";
  }
  CHECK(false);
}

Result<Generation> generate(Session& session, Sampler& sampler, std::int64_t max_tokens,
                            TokenConsumer& consumer, const std::atomic<bool>* cancel) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  Generation result;
  const auto finished = [&](FinishReason reason) {
    result.finish = reason;
    result.seconds = seconds();
    return result;
  };
  for (;;) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed))
      return finished(FinishReason::kCancelled);
    if (result.sampled_tokens >= max_tokens) return finished(FinishReason::kLength);
    const TokenId token = sampler.sample(session.logits(), consumer.forbidden());
    if (token == kNoToken) return fail("the model gave no usable number for any next token");
    ++result.sampled_tokens;
    const TokenConsumer::Next next = consumer.take(token);
    if (result.sampled_tokens == 1) result.first_token_seconds = seconds();
    if (next.stop) return finished(FinishReason::kStop);
    if (session.room() < static_cast<std::int64_t>(next.feed.size())) return finished(FinishReason::kContext);
    for (const TokenId fed : next.feed) sampler.accept(fed);
    // The last token of a reply that ends here need not be computed.
    if (result.sampled_tokens >= max_tokens) return finished(FinishReason::kLength);
    TRY(session.append(next.feed));
    // One more token could be sampled from the logits after a full context, but it could never be answered
    // to.
    if (session.room() == 0) return finished(FinishReason::kContext);
  }
}

}  // namespace aloud
