// Cuts text into the pieces that byte-pair encoding may not cross, as the published patterns of each model
// family do.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace aloud {

// Where pieces go, in the order of the text.
class PieceSink {
 public:
  virtual void take(std::string_view piece) = 0;

 protected:
  ~PieceSink() = default;
};

// Cuts text, which is not empty, into pieces that together are text. Strictly linear, constant stack.
using SplitStage = void (*)(std::string_view text, PieceSink& sink);

// What a pre-tokenizer's name stands for. The first stage cuts the text, each later one the pieces before it.
struct PreTokenizer {
  std::span<const SplitStage> stages;
  bool whole_pieces_first =
      false;              // a piece that is in the vocabulary is that token, whatever the merges say
  bool adds_bos = false;  // where the file does not say

  // Malformed bytes count as symbols (as U+FFFD would), one by one.
  void split(std::string_view text, PieceSink& sink) const;
};

// name: tokenizer.ggml.pre of a GGUF file; empty for files that lack it (they are older than the key, and the
// format began with GPT-2's pattern). nullptr for a name that is not known.
const PreTokenizer* find_pre_tokenizer(std::string_view name);

}  // namespace aloud
