// Runs steps against the clock.
#include "cli/bench_measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "cli/language.h"

namespace aloud {
namespace {

// Tokens of a prompt in one call of the model.
constexpr std::int64_t kChunkTokens = 512;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Tokens that repeat nothing and differ from sequence to sequence.
std::vector<std::int32_t> pseudo_random_tokens(std::int64_t vocabulary, std::int64_t n,
                                               std::int64_t sequence) {
  std::vector<std::int32_t> tokens;
  std::uint64_t state = 0x9E3779B97F4A7C15u * static_cast<std::uint64_t>(sequence + 1);
  for (std::int64_t i = 0; i < n; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    tokens.push_back(static_cast<std::int32_t>((state >> 33) % static_cast<std::uint64_t>(vocabulary)));
  }
  return tokens;
}

}  // namespace

ModelTimer::ModelTimer(Model& model, std::int64_t max_sequences, std::int64_t max_tokens, Progress& progress,
                       const std::atomic<bool>& cancel)
    : model_(model),
      progress_(progress),
      cancel_(cancel),
      pool_(model.shape().kv, max_sequences * pages_for(max_tokens)) {
  const std::int64_t vocabulary = model.shape().vocabulary;
  for (std::int64_t s = 0; s < max_sequences; ++s) {
    timelines_.push_back(std::make_unique<Timeline>(pool_));
    timelines_.back()->tokens = pseudo_random_tokens(vocabulary, max_tokens, s);
  }
  logits_.resize(static_cast<std::size_t>(max_sequences * vocabulary));
}

Status ModelTimer::check_cancel() const {
  if (cancel_) return fail("{}", tr("stopped", "已停止"));
  return {};
}

Status ModelTimer::read_up_to(Timeline& timeline, std::int64_t length) {
  KvSequence& cache = timeline.cache;
  cache.truncate(std::min(length, cache.length()));
  while (cache.length() < length) {
    TRY(check_cancel());
    const std::int64_t now = std::min(kChunkTokens, length - cache.length());
    TRY(cache.reserve(now));
    const auto tokens = std::span<const std::int32_t>(timeline.tokens)
                            .subspan(static_cast<std::size_t>(cache.length()), static_cast<std::size_t>(now));
    const SequenceStep step[] = {{cache.view(), tokens, TokenRole::kPrompt,
                                  cache.length() + now == length ? Logits::kLast : Logits::kNone}};
    TRY(model_.forward(step, logits_.data()));
    cache.advance(now);
  }
  return {};
}

Result<double> ModelTimer::prefill_seconds(std::int64_t tokens, int repeats) {
  std::vector<double> times;
  // The first round warms up and does not count.
  for (int round = 0; round <= repeats; ++round) {
    progress_.update(fmt::format("{} {}: {} / {}", tr("prefill", "预填充"), tokens, round, repeats));
    timelines_[0]->cache.truncate(0);
    const Clock::time_point start = Clock::now();
    TRY(read_up_to(*timelines_[0], tokens));
    if (round > 0) times.push_back(seconds_since(start));
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

Result<double> ModelTimer::decode_seconds(std::int64_t sequences, std::int64_t context, std::int64_t tokens) {
  const auto active = std::span(timelines_).first(static_cast<std::size_t>(sequences));
  const std::string what = fmt::format("{} {} x {}", tr("decode", "解码"), sequences, context);
  for (std::int64_t s = 0; s < sequences; ++s) {
    progress_.update(fmt::format("{}: {} {} / {}", what, tr("prompt", "提示"), s + 1, sequences));
    TRY(read_up_to(*active[static_cast<std::size_t>(s)], context));
  }
  std::vector<SequenceStep> steps;
  const Clock::time_point start = Clock::now();
  for (std::int64_t i = 0; i < tokens; ++i) {
    progress_.update(fmt::format("{}: {} / {}", what, i, tokens));
    TRY(check_cancel());
    steps.clear();
    for (const auto& timeline : active) {
      TRY(timeline->cache.reserve(1));
      const auto next = static_cast<std::size_t>(timeline->cache.length());
      steps.push_back({timeline->cache.view(),
                       std::span<const std::int32_t>(timeline->tokens).subspan(next, 1),
                       TokenRole::kGenerated, Logits::kLast});
    }
    TRY(model_.forward(steps, logits_.data()));
    for (const auto& timeline : active) timeline->cache.advance(1);
  }
  return seconds_since(start);
}

}  // namespace aloud
