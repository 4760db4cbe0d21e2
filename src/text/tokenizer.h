// Text to tokens and back: byte-level BPE as the published tokenizers of the Qwen, Llama and DeepSeek
// families do it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace aloud {

using TokenId = std::int32_t;
inline constexpr TokenId kNoToken = -1;

// The values are GGUF's token type numbers.
enum class TokenKind : std::int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6
};

// A vocabulary as a model file tells it. The views need to live only until create() returns.
struct VocabularySource {
  std::string_view pre_tokenizer;        // tokenizer.ggml.pre: "qwen2", "llama-bpe", "deepseek-v3", ...
  std::vector<std::string_view> pieces;  // in GPT-2's printable byte alphabet
  std::vector<TokenKind> kinds;          // as many as pieces, or empty: all normal
  std::vector<std::string_view> merges;  // "left right", best first
  TokenId bos = kNoToken;
  TokenId eos = kNoToken;
  std::vector<TokenId> more_ends;  // eot and eom, where the file names them
  bool add_bos = false;
};

// A part [begin, end) of a text, in bytes.
struct TextSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Immutable after create(): any thread may use it.
class Tokenizer {
 public:
  // Errors: an unknown pre-tokenizer (named), no pieces, counts that differ, ids outside the vocabulary, a
  // merge whose parts or result are not pieces where the published tokenizer would need them.
  static Result<std::unique_ptr<Tokenizer>> create(const VocabularySource& source);
  ~Tokenizer();

  // Appends the tokens of text to out; never BOS. Markup (control tokens, and user-defined tokens that are
  // markup, such as <think>) is recognised only where it lies wholly outside the untrusted spans (sorted,
  // disjoint); inside them it is ordinary text. User-defined tokens that are ordinary text count everywhere.
  // Malformed UTF-8 is encoded byte by byte. Linear time, bounded stack, any size.
  void encode(std::string_view text, std::span<const TextSpan> untrusted, std::vector<TokenId>& out) const;

  // All of text untrusted: what a person typed.
  std::vector<TokenId> encode_plain(std::string_view text) const;
  // All of text trusted: what a template wrote.
  std::vector<TokenId> encode_markup(std::string_view text) const;

  int size() const;  // ids are [0, size())
  TokenKind kind(TokenId id) const;
  // The bytes that a token stands for (control tokens: their name). Valid as long as the tokenizer.
  std::string_view bytes(TokenId id) const;
  bool is_markup(TokenId id) const;                  // control, or user-defined in the shape of markup
  TokenId find_markup(std::string_view text) const;  // the markup token with exactly this name, or kNoToken

  TokenId bos() const;
  TokenId eos() const;
  bool add_bos() const;
  // Every token that ends a turn: eos, eot, eom and the well-known names (<|im_end|>, <|eot_id|>, ...).
  std::span<const TokenId> ends_of_turn() const;
  bool is_end_of_turn(TokenId id) const;

 private:
  Tokenizer();
  struct State;
  std::unique_ptr<State> state_;
};

// Turns tokens into text as they come and never hands out half a character: bytes that may still become one
// are held back; malformed bytes become U+FFFD.
class StreamDecoder {
 public:
  explicit StreamDecoder(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}
  // The text that is complete after this token. Control tokens give nothing, other markup its name.
  std::string push(TokenId id);
  // What is left at the end.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  std::string pending_;
};

}  // namespace aloud
