// Reads prompts in chunks and appends tokens to the one sequence.
#include "engine/session.h"

#include <algorithm>

#include "base/check.h"

namespace aloud {

Session::Session(Model& model, std::int64_t vocabulary, std::int64_t context)
    : model_(model),
      vocabulary_(vocabulary),
      context_(context),
      pool_(model.shape().kv, pages_for(context)),
      sequence_(pool_),
      logits_(static_cast<std::size_t>(model.shape().vocabulary)) {
  CHECK(context >= 1 && vocabulary >= 1 && vocabulary <= model.shape().vocabulary);
}

Result<Prefill> Session::read(std::span<const TokenId> prompt, const std::atomic<bool>* cancel,
                              const PrefillProgress& progress) {
  const auto total = static_cast<std::int64_t>(prompt.size());
  if (total == 0) return fail("the prompt is empty");
  if (total >= context_) {
    return fail("the prompt has {} tokens, but the context holds {} with the reply", total, context_);
  }
  const auto common = std::mismatch(prompt.begin(), prompt.end(), tokens_.begin(), tokens_.end()).first;
  // The last token is always computed again: its logits are wanted.
  std::int64_t done = std::min<std::int64_t>(common - prompt.begin(), total - 1);
  sequence_.truncate(done);
  tokens_.resize(static_cast<std::size_t>(done));

  Prefill result{.kept_tokens = done};
  while (done < total) {
    if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
      result.cancelled = true;
      return result;
    }
    if (progress) progress(done, total);
    const std::int64_t count = std::min(kPrefillChunkTokens, total - done);
    const auto chunk = prompt.subspan(static_cast<std::size_t>(done), static_cast<std::size_t>(count));
    TRY(sequence_.reserve(count));
    const SequenceStep step{sequence_.view(), chunk, TokenRole::kPrompt,
                            done + count == total ? Logits::kLast : Logits::kNone};
    TRY(model_.forward({&step, 1}, logits_.data()));
    sequence_.advance(count);
    tokens_.insert(tokens_.end(), chunk.begin(), chunk.end());
    done += count;
    result.computed_tokens += count;
  }
  if (progress) progress(total, total);
  return result;
}

Status Session::append(std::span<const TokenId> tokens) {
  const auto count = static_cast<std::int64_t>(tokens.size());
  CHECK(count >= 1);
  if (count > room())
    return fail("the context is full: {} tokens wanted, {} fit", length() + count, context_);
  TRY(sequence_.reserve(count));
  const SequenceStep step{sequence_.view(), tokens, TokenRole::kGenerated, Logits::kLast};
  TRY(model_.forward({&step, 1}, logits_.data()));
  sequence_.advance(count);
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  return {};
}

}  // namespace aloud
