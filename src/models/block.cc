// Cuts a pass into roles and runs of tokens.
#include "models/block.h"

#include <algorithm>

namespace aloud {

std::span<const PassSequence> Pass::sequences_of(TokenRole role) const {
  const auto prompts = std::ranges::find(sequences, TokenRole::kPrompt, &PassSequence::role);
  return role == TokenRole::kPrompt ? std::span(prompts, sequences.end())
                                    : std::span(sequences.begin(), prompts);
}

std::vector<TokenRun> Pass::runs() const {
  constexpr std::int64_t kRunTokens = 32;  // a cache line of float16
  std::vector<TokenRun> runs;
  for (const PassSequence& sequence : sequences) {
    for (std::int64_t i = 0; i < sequence.tokens;) {
      const std::int64_t position = sequence.position + i;
      const std::int64_t now = std::min(sequence.tokens - i, kRunTokens - position % kRunTokens);
      runs.push_back({sequence.pages[static_cast<std::size_t>(position / kPageTokens)],
                      position % kPageTokens, sequence.first_token + i, now});
      i += now;
    }
  }
  return runs;
}

}  // namespace aloud
