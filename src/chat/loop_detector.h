// Notices when a model goes round in circles.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "chat/code_fence.h"
#include "text/tokenizer.h"

namespace aloud {

// Two kinds of circles. Words that repeat exactly: up to kLongestPeriod tokens, at least four times in a row
// and over enough tokens. And sentences that come again and again in changing order: a window of them with
// few that differ. What people mean to be repetitive is given more room or none at all: patterns of digits
// and signs (tables, matrices, rulers) and blocks of code must repeat over kPatternTokens, and their lines
// are no sentences. About half a microsecond per token; a few kilobytes.
class LoopDetector {
 public:
  static constexpr int kLongestPeriod = 512;
  static constexpr std::int64_t kFewestRepeats = 4;
  static constexpr std::int64_t kPatternTokens = 2048;

  struct Limits {
    std::int64_t words_tokens = 0;  // over which words must repeat and sentences return
    std::size_t sentences = 0;      // in the window
  };
  // An answer may be asked to repeat something; a thought has no reason to.
  static constexpr Limits kThought = {128, 32};
  static constexpr Limits kAnswer = {512, 128};
  // Of the window, when it is a circle.
  static constexpr std::size_t kMostDifferentSentences = 8;

  explicit LoopDetector(const Limits& limits) : limits_(limits) {}

  // Takes the next token with its bytes. True when it closes a circle, and from then on until it is left.
  bool push(TokenId token, std::string_view bytes);

 private:
  struct Sentence {
    std::size_t hash;
    std::int64_t token;  // with which it ended
  };

  bool repeats(TokenId token);
  bool is_wordy_period(std::size_t period) const;
  void read(char c);
  void end_sentence();
  bool sentences_return() const;

  const Limits limits_;
  // The last tokens, newest last, at most twice kLongestPeriod, and their bytes.
  std::vector<TokenId> tokens_;
  std::vector<std::string> bytes_;
  std::array<std::int32_t, kLongestPeriod + 1>
      runs_{};  // by period: how many tokens equal the one a period before
  CodeFence fence_;
  std::string sentence_;
  std::deque<Sentence> sentences_;  // the window
  std::int64_t taken_ = 0;
  bool sentences_return_ = false;
};

}  // namespace aloud
