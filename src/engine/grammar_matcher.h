// Holds one reply to a grammar, token by token.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "engine/grammar.h"
#include "engine/grammar_threads.h"
#include "engine/grammar_vocabulary.h"
#include "engine/token_mask.h"

namespace aloud {

// One reply, one thread. The vocabulary must outlive it.
class GrammarMatcher {
 public:
  GrammarMatcher(std::shared_ptr<const Grammar> grammar, const GrammarVocabulary& vocabulary);

  // The tokens that may come next: those whose bytes the grammar can read, and the ends of turn when it is
  // complete. Valid until the next accept().
  const TokenMask& allowed();

  // Takes a token. False: it is not allowed, and nothing has changed. After an end of turn no more is
  // allowed.
  bool accept(TokenId token);
  // Takes a text as if it came in tokens.
  bool accept_text(std::string_view text);

  bool complete() const;  // the text may end here
  bool must_end() const;  // nothing but an end of turn may follow

 private:
  void allow_from(const GrammarThread& thread);
  void allow_below(std::uint32_t node, const GrammarThread& thread);

  std::shared_ptr<const Grammar> grammar_;
  const GrammarVocabulary* vocabulary_;
  GrammarWalker walker_;
  std::vector<GrammarThread> threads_;
  bool ended_ = false;
  bool mask_is_current_ = false;
  TokenMask mask_;
};

}  // namespace aloud
