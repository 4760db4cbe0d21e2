// Puts the mask of a reply together from what is known of its states.
#include "engine/grammar_matcher.h"

#include <algorithm>

namespace aloud {

GrammarMatcher::GrammarMatcher(std::shared_ptr<const Grammar> grammar, const GrammarVocabulary& vocabulary)
    : grammar_(std::move(grammar)),
      vocabulary_(&vocabulary),
      walker_(*grammar_),
      threads_{{grammar_->begin(), kNoFrame}},
      mask_(vocabulary.tokenizer().size()) {}

const TokenMask& GrammarMatcher::allowed() {
  if (mask_is_current_) return mask_;
  std::ranges::fill(mask_.words(), 0);
  mask_is_current_ = true;
  if (ended_) return mask_;
  for (const GrammarThread& thread : threads_) allow_from(thread);
  if (complete()) {
    for (const TokenId token : vocabulary_->tokenizer().ends_of_turn()) mask_.allow(token);
  }
  return mask_;
}

// What the thread's rule allows, and where the rule may end, what its caller allows.
void GrammarMatcher::allow_from(const GrammarThread& thread) {
  const std::shared_ptr<const StateTokens> tokens = vocabulary_->tokens_of(*grammar_, thread.state);
  for (const TokenId token : tokens->few) mask_.allow(token);
  const std::span<std::uint64_t> words = mask_.words();
  const std::span<const std::uint64_t> many = tokens->many.words();
  for (std::size_t i = 0; i < many.size(); ++i) words[i] |= many[i];
  if (thread.frame == kNoFrame) return;
  const GrammarThread caller = walker_.back(thread);
  for (const std::uint32_t node : tokens->ends) {
    if (node == GrammarVocabulary::kRoot)
      allow_from(caller);
    else
      allow_below(node, caller);
  }
}

// The tokens of which a node is the beginning, if the thread can read the rest.
void GrammarMatcher::allow_below(std::uint32_t node, const GrammarThread& thread) {
  vocabulary_->walk(node, walker_, {thread}, [&](std::uint32_t reached, std::span<const GrammarThread>) {
    for (const TokenId token : vocabulary_->tokens_at(reached)) mask_.allow(token);
  });
}

bool GrammarMatcher::accept(TokenId token) {
  const Tokenizer& tokenizer = vocabulary_->tokenizer();
  if (token < 0 || token >= tokenizer.size() || ended_) return false;
  if (tokenizer.is_end_of_turn(token)) {
    if (!complete()) return false;
    ended_ = true;
    mask_is_current_ = false;
    return true;
  }
  const std::string_view text = vocabulary_->text_of(token);
  return !text.empty() && accept_text(text);
}

bool GrammarMatcher::accept_text(std::string_view text) {
  if (ended_) return false;
  std::vector<GrammarThread> threads = threads_;
  for (const char byte : text) {
    const std::size_t count = threads.size();
    walker_.step(threads, 0, count, static_cast<std::uint8_t>(byte));
    threads.erase(threads.begin(), threads.begin() + static_cast<std::ptrdiff_t>(count));
    if (threads.empty()) return false;
  }
  mask_is_current_ = mask_is_current_ && threads == threads_;
  threads_ = std::move(threads);
  walker_.forget_frames(threads_);
  return true;
}

bool GrammarMatcher::complete() const {
  return !ended_ &&
         std::ranges::any_of(threads_, [&](const GrammarThread& thread) { return walker_.may_end(thread); });
}

bool GrammarMatcher::must_end() const {
  if (ended_) return true;
  return std::ranges::none_of(threads_, [&](GrammarThread thread) {
    while (!grammar_->may_read(thread.state)) {
      if (!grammar_->is_final(thread.state) || thread.frame == kNoFrame) return false;
      thread = walker_.back(thread);
    }
    return true;
  });
}

}  // namespace aloud
