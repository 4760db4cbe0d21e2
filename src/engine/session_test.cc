// Tests of the timeline and of the generation loop, on a scripted model.
#include "engine/session.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/fake_model.h"
#include "engine/generation.h"

namespace aloud {
namespace {

constexpr std::int64_t kVocabulary = 1000;

std::vector<TokenId> first_tokens(int n) {
  std::vector<TokenId> tokens(static_cast<std::size_t>(n));
  std::iota(tokens.begin(), tokens.end(), 1);
  return tokens;
}

// The next token is the sum of all before it.
std::int32_t sum_of(std::span<const std::int32_t> tokens) {
  return std::accumulate(tokens.begin(), tokens.end(), 0) % static_cast<std::int32_t>(kVocabulary);
}

TokenId likeliest(Session& session) {
  const std::span<float> logits = session.logits();
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

TEST(Session, ReadsInChunksAndTellsProgress) {
  FakeModel model(kVocabulary, sum_of);
  Session session(model, kVocabulary, 2000);
  std::vector<std::int64_t> progress;
  const auto prefill = session.read(first_tokens(600), nullptr, [&](std::int64_t done, std::int64_t total) {
    EXPECT_EQ(total, 600);
    progress.push_back(done);
  });
  ASSERT_TRUE(prefill);
  EXPECT_EQ(prefill->computed_tokens, 600);
  EXPECT_EQ(prefill->kept_tokens, 0);
  EXPECT_EQ(model.chunks, (std::vector<std::int64_t>{256, 256, 88}));
  EXPECT_EQ(progress, (std::vector<std::int64_t>{0, 256, 512, 600}));
  EXPECT_EQ(likeliest(session), 600 * 601 / 2 % kVocabulary);
}

TEST(Session, TellsPromptsFromWhatIsGenerated) {
  FakeModel model(kVocabulary, sum_of);
  Session session(model, kVocabulary, 2000);
  ASSERT_TRUE(session.read(first_tokens(300)));
  ASSERT_TRUE(session.append(std::vector<TokenId>{5, 6}));
  EXPECT_EQ(model.roles,
            (std::vector<TokenRole>{TokenRole::kPrompt, TokenRole::kPrompt, TokenRole::kGenerated}));
}

TEST(Session, KeepsTheCommonBeginning) {
  FakeModel model(kVocabulary, sum_of);
  Session session(model, kVocabulary, 2000);
  ASSERT_TRUE(session.read(first_tokens(100)));
  ASSERT_TRUE(session.append(std::vector<TokenId>{5, 6, 7}));
  // The next prompt agrees in 90 tokens and goes on differently.
  std::vector<TokenId> next = first_tokens(90);
  next.push_back(500);
  next.push_back(501);
  const auto prefill = session.read(next);
  ASSERT_TRUE(prefill);
  EXPECT_EQ(prefill->kept_tokens, 90);
  EXPECT_EQ(prefill->computed_tokens, 2);
  EXPECT_EQ(likeliest(session), sum_of(next));
  // A prompt that is there already: its last token is computed again for its logits.
  const auto again = session.read(first_tokens(50));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kept_tokens, 49);
  EXPECT_EQ(likeliest(session), sum_of(first_tokens(50)));
  EXPECT_EQ(session.length(), 50);
}

TEST(Session, RefusesWhatDoesNotFitWithBothNumbers) {
  FakeModel model(kVocabulary, sum_of);
  Session session(model, kVocabulary, 100);
  ASSERT_TRUE(session.read(first_tokens(99)));
  const auto refused = session.read(first_tokens(100));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("100 tokens"), std::string::npos);
  EXPECT_EQ(session.length(), 99);  // as it was
  EXPECT_FALSE(session.read({}));
  EXPECT_TRUE(session.append(std::vector<TokenId>{1}));
  EXPECT_EQ(session.room(), 0);
  EXPECT_FALSE(session.append(std::vector<TokenId>{1}));
}

TEST(Session, CancellationKeepsWhatWasRead) {
  FakeModel model(kVocabulary, sum_of);
  Session session(model, kVocabulary, 2000);
  std::atomic<bool> cancel{false};
  const std::vector<TokenId> prompt = first_tokens(900);
  const auto cut = session.read(prompt, &cancel, [&](std::int64_t done, std::int64_t) {
    if (done == 256) cancel = true;
  });
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->cancelled);
  EXPECT_EQ(session.length(), 512);
  cancel = false;
  const auto rest = session.read(prompt, &cancel);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->kept_tokens, 512);
  EXPECT_EQ(likeliest(session), sum_of(prompt));
}

TEST(Session, PaddingOfTheModelsVocabularyIsNotSampled) {
  FakeModel model(kVocabulary, [](auto) { return 999; });
  Session session(model, 900, 100);
  ASSERT_TRUE(session.read(first_tokens(3)));
  EXPECT_EQ(session.logits().size(), 900u);
}

// Takes tokens until one of them is `last`.
struct Collector : TokenConsumer {
  explicit Collector(TokenId last_token) : last(last_token) {}
  Next take(const SampledToken& sampled) override {
    const TokenId token = sampled.token;
    logprobs.push_back(sampled.logprob);
    top.assign(sampled.top.begin(), sampled.top.end());
    taken.push_back(token);
    if (token == last) return {.stop = true};
    feed = {token};
    if (token == twice) feed = {token, token};
    return {.feed = feed};
  }
  std::span<const TokenId> forbidden() const override { return refused; }
  const TokenMask* allowed() const override { return mask ? &*mask : nullptr; }
  std::optional<int> top_logprobs() const override { return wanted; }

  TokenId last;
  TokenId twice = kNoToken;
  std::vector<TokenId> refused;
  std::optional<TokenMask> mask;
  std::optional<int> wanted;
  std::vector<float> logprobs;
  std::vector<TokenLogprob> top;
  std::vector<TokenId> taken;
  std::vector<TokenId> feed;
};

Sampler greedy_sampler() {
  SamplingParameters parameters;
  parameters.temperature = 0;
  return Sampler(parameters);
}

TEST(Generation, EndsWhereTheConsumerSays) {
  FakeModel model(kVocabulary, FakeModel::reply(3, {10, 11, 12, 0}));
  Session session(model, kVocabulary, 100);
  ASSERT_TRUE(session.read(first_tokens(3)));
  Sampler sampler = greedy_sampler();
  Collector collector(0);
  const auto result = generate(session, sampler, 50, collector);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finish, FinishReason::kStop);
  EXPECT_EQ(result->sampled_tokens, 4);
  EXPECT_EQ(collector.taken, (std::vector<TokenId>{10, 11, 12, 0}));
  EXPECT_EQ(session.length(), 6);  // the end itself is not computed
}

TEST(Generation, TellsTheModelsLogprobsWhateverMayBeDrawn) {
  FakeModel model(kVocabulary, FakeModel::reply(3, {10}));  // a logit of 10 there, of 0 elsewhere
  Session session(model, kVocabulary, 100);
  ASSERT_TRUE(session.read(first_tokens(3)));
  Sampler sampler = greedy_sampler();
  Collector collector(5);
  collector.mask.emplace(kVocabulary);
  collector.mask->allow(5);
  collector.mask->allow(7);
  collector.wanted = 3;
  const auto result = generate(session, sampler, 50, collector);
  ASSERT_TRUE(result);
  EXPECT_EQ(collector.taken, std::vector<TokenId>{5});
  const double total = std::log(std::exp(10.0) + kVocabulary - 1);
  EXPECT_NEAR(collector.logprobs[0], -total, 1e-5);
  ASSERT_EQ(collector.top.size(), 3u);
  EXPECT_EQ(collector.top[0].token, 10);
  EXPECT_NEAR(collector.top[0].logprob, 10 - total, 1e-5);
  EXPECT_EQ(collector.top[1].token, 0);
  EXPECT_EQ(collector.top[2].token, 1);
}

TEST(Generation, EndsAtMaxTokensAndAtAFullContext) {
  FakeModel model(kVocabulary, FakeModel::reply(3, {10}));
  Session session(model, kVocabulary, 20);
  ASSERT_TRUE(session.read(first_tokens(3)));
  Sampler sampler = greedy_sampler();
  Collector collector(0);
  auto result = generate(session, sampler, 5, collector);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finish, FinishReason::kLength);
  EXPECT_EQ(collector.taken.size(), 5u);

  ASSERT_TRUE(session.read(first_tokens(3)));
  Collector more(0);
  result = generate(session, sampler, 500, more);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finish, FinishReason::kContext);
  EXPECT_EQ(more.taken.size(), 17u);

  // Two tokens are wanted where one fits.
  ASSERT_TRUE(session.read(first_tokens(19)));
  Collector two(0);
  two.twice = 10;
  result = generate(session, sampler, 500, two);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finish, FinishReason::kContext);
}

TEST(Generation, ForbiddenTokensAndFedTokens) {
  FakeModel model(kVocabulary, FakeModel::reply(1, {10, 11, 12, 0}));
  Session session(model, kVocabulary, 100);
  ASSERT_TRUE(session.read(first_tokens(1)));
  Sampler sampler = greedy_sampler();
  Collector collector(0);
  collector.twice = 10;      // so that the script has moved on by two
  collector.refused = {12};  // greedy then takes the lowest of the others
  const auto result = generate(session, sampler, 50, collector);
  ASSERT_TRUE(result);
  EXPECT_EQ(collector.taken, (std::vector<TokenId>{10, 0}));
  EXPECT_EQ(std::vector<TokenId>(session.tokens().begin(), session.tokens().end()),
            (std::vector<TokenId>{1, 10, 10}));
}

TEST(Generation, CancelsAndRefusesBrokenLogits) {
  FakeModel model(kVocabulary, FakeModel::reply(3, {10}));
  Session session(model, kVocabulary, 100);
  ASSERT_TRUE(session.read(first_tokens(3)));
  Sampler sampler = greedy_sampler();
  std::atomic<bool> cancel{true};
  Collector collector(0);
  auto result = generate(session, sampler, 50, collector, &cancel);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->finish, FinishReason::kCancelled);
  EXPECT_TRUE(collector.taken.empty());

  std::fill(session.logits().begin(), session.logits().end(), std::numeric_limits<float>::quiet_NaN());
  EXPECT_FALSE(generate(session, sampler, 50, collector));
}

}  // namespace
}  // namespace aloud
