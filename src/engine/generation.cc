// Samples until a reason to finish turns up.
#include "engine/generation.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "base/check.h"

namespace aloud {

namespace {

// NaN counts as impossible.
std::vector<float> log_softmax(std::span<const float> logits) {
  std::vector<float> logprobs(logits.begin(), logits.end());
  float highest = -std::numeric_limits<float>::infinity();
  for (float& logit : logprobs) {
    if (std::isnan(logit)) logit = -std::numeric_limits<float>::infinity();
    highest = std::max(highest, logit);
  }
  if (!std::isfinite(highest)) return logprobs;
  double sum = 0;
  for (const float logit : logprobs) sum += std::exp(static_cast<double>(logit - highest));
  const auto total = static_cast<float>(highest + std::log(sum));
  for (float& logit : logprobs) logit -= total;
  return logprobs;
}

// Best first, of equals the lower id.
std::vector<TokenLogprob> likeliest(std::span<const float> logprobs, int count) {
  std::vector<TokenId> ids(logprobs.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto end = ids.begin() + std::min<std::ptrdiff_t>(count, std::ssize(ids));
  std::partial_sort(ids.begin(), end, ids.end(), [&](TokenId a, TokenId b) {
    const float x = logprobs[static_cast<std::size_t>(a)], y = logprobs[static_cast<std::size_t>(b)];
    return x != y ? x > y : a < b;
  });
  std::vector<TokenLogprob> top;
  for (auto id = ids.begin(); id != end; ++id) top.push_back({*id, logprobs[static_cast<std::size_t>(*id)]});
  return top;
}

}  // namespace

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

DrawnToken draw(std::span<float> logits, Sampler& sampler, const DrawWishes& wishes) {
  DrawnToken drawn;
  std::vector<float> logprobs;
  if (wishes.top_logprobs) {
    logprobs = log_softmax(logits);
    drawn.top = likeliest(logprobs, *wishes.top_logprobs);
  }
  drawn.token = sampler.sample(logits, wishes.forbidden, wishes.allowed);
  if (wishes.top_logprobs && drawn.token != kNoToken)
    drawn.logprob = logprobs[static_cast<std::size_t>(drawn.token)];
  return drawn;
}

Result<std::span<const TokenId>> hand_over(const DrawnToken& drawn, Sampler& sampler, TokenConsumer& consumer,
                                           const ReplyRoom& room, Generation& result) {
  const auto end = [&](FinishReason reason) {
    result.finish = reason;
    return std::span<const TokenId>();
  };
  if (drawn.token == kNoToken) return fail("no token can come next: the model gave no usable number");
  const TokenConsumer::Next next = consumer.take({drawn.token, drawn.logprob, drawn.top});
  ++result.sampled_tokens;
  if (next.stop) return end(FinishReason::kStop);
  const auto fed = static_cast<std::int64_t>(next.feed.size());
  if (fed > room.context_tokens) return end(FinishReason::kContext);
  for (const TokenId token : next.feed) sampler.accept(token);
  if (result.sampled_tokens >= room.max_tokens) return end(FinishReason::kLength);
  // One more token could be sampled after a full context, but it could never be answered to.
  if (fed == room.context_tokens) return end(FinishReason::kContext);
  return next.feed;
}

Result<Generation> generate(Session& session, Sampler& sampler, std::int64_t max_tokens,
                            TokenConsumer& consumer, const std::atomic<bool>* cancel) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  Generation result{.finish = FinishReason::kLength};
  while (result.sampled_tokens < max_tokens) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      result.finish = FinishReason::kCancelled;
      break;
    }
    const DrawnToken drawn = draw(session.logits(), sampler, DrawWishes::of(consumer));
    TRY_ASSIGN(const std::span<const TokenId> feed,
               hand_over(drawn, sampler, consumer, {max_tokens, session.room()}, result));
    if (result.sampled_tokens == 1) result.first_token_seconds = seconds();
    if (feed.empty()) break;
    TRY(session.append(feed));
  }
  result.seconds = seconds();
  return result;
}

}  // namespace aloud
