// The tokens of one sequence, and the pages of those that are computed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/kv_cache.h"
#include "engine/prefix_tree.h"
#include "models/model.h"
#include "text/tokenizer.h"

namespace aloud {

// Whose a timeline is.
struct TimelineOwner {
  std::string name;                // what is computed is only found again by the same owner,
  std::int64_t public_tokens = 0;  // but for whole pages of so many tokens at the beginning
};

// A token keeps the role in which it was computed first, so that computing it again gives the same bits:
// where roles matter, what was generated is found again as generated only. (A later prompt that contains it
// then computes it as prompt, as it would in an empty tree.) One thread; pool and tree must outlive it.
class SharedTimeline {
 public:
  SharedTimeline(KvPool& pool, PrefixTree& tree, std::vector<TokenId> prompt, TimelineOwner owner,
                 bool roles_matter);
  ~SharedTimeline() { leave(); }

  std::span<const TokenId> tokens() const { return tokens_; }
  std::int64_t length() const { return std::ssize(tokens_); }
  std::int64_t prompt_tokens() const { return prompt_tokens_; }
  std::int64_t computed() const { return pages_.length(); }
  std::int64_t missing() const { return length() - computed(); }
  void append(std::span<const TokenId> generated);

  // Takes the longest beginning that is in the tree, all but the last token at most, whose logits are wanted.
  // False, and nothing is taken: when others get so many promised pages there would be too few for the rest.
  // Nothing may be computed yet.
  bool join(std::int64_t promised_pages);
  // Pages that the missing tokens still need.
  std::int64_t missing_pages() const { return pages_.missing_pages(missing()); }
  // Makes room for so many tokens, if need be at the cost of idle pages of the tree.
  bool reserve(std::int64_t tokens);
  // The next tokens of one role, `most` at most. They must have been reserved before the step is run.
  std::int64_t next_tokens(std::int64_t most) const;
  SequenceStep step(std::int64_t tokens) const;
  // They are computed: whole pages are put into the tree.
  void advance(std::int64_t tokens);
  // Shows the beginning of the last page too.
  void show_end();
  // Gives all pages back. What was computed is left in the tree, to be joined again by this or another
  // timeline; drop() leaves only what was put there before.
  void leave();
  void drop();

  // How many tokens another one has to compute until this one, which has not joined yet, finds in the tree
  // what they have in common.
  std::int64_t worth_waiting_for(const SharedTimeline& other) const;

 private:
  PrefixText text(std::int64_t tokens) const {
    return {std::span(keys_).first(static_cast<std::size_t>(tokens)), owner_.name, owner_.public_tokens};
  }
  TokenRole role_at(std::int64_t token) const {
    return token < prompt_tokens_ ? TokenRole::kPrompt : TokenRole::kGenerated;
  }

  KvPool& pool_;
  PrefixTree& tree_;
  TimelineOwner owner_;
  bool roles_matter_;
  std::vector<TokenId> tokens_;
  std::vector<TokenId> keys_;  // of the tree: the tokens, told apart by their roles where these matter
  std::int64_t prompt_tokens_;
  KvSequence pages_;
  PrefixTree::Node* place_ = nullptr;  // held; nullptr: not joined
  std::int64_t shown_pages_ = 0;       // whole pages that the place is after
};

}  // namespace aloud
