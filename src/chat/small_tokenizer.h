// For tests: a byte-level vocabulary with a few merges, and the markup that a test asks for.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

namespace aloud {

struct SmallVocabulary {
  std::vector<std::string> merges;   // "left right" in ASCII without spaces
  std::vector<std::string> control;  // names of control tokens; the first two are BOS and EOS
  std::vector<std::string> markup;   // names of user-defined tokens
  bool add_bos = true;
};

// Ids: 0..255 the bytes, then merges, control and markup in order.
inline std::unique_ptr<Tokenizer> make_tokenizer(const SmallVocabulary& vocabulary) {
  std::vector<std::string> pieces;
  std::vector<TokenKind> kinds;
  // GPT-2's alphabet: printable Latin-1 stands for itself, the rest follows from U+0100 on.
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte) {
    const bool itself = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    append_utf8(itself ? byte : next++, pieces.emplace_back());
  }
  for (const std::string& merge : vocabulary.merges) {
    const std::size_t space = merge.find(' ');
    pieces.push_back(merge.substr(0, space) + merge.substr(space + 1));
  }
  kinds.assign(pieces.size(), TokenKind::kNormal);
  VocabularySource source;
  const auto first_control = static_cast<TokenId>(pieces.size());
  for (const std::string& name : vocabulary.control) {
    pieces.push_back(name);
    kinds.push_back(TokenKind::kControl);
  }
  for (const std::string& name : vocabulary.markup) {
    pieces.push_back(name);
    kinds.push_back(TokenKind::kUserDefined);
  }
  source.pre_tokenizer = "qwen2";
  source.pieces.assign(pieces.begin(), pieces.end());
  source.kinds = kinds;
  source.merges.assign(vocabulary.merges.begin(), vocabulary.merges.end());
  if (!vocabulary.control.empty()) source.bos = first_control;
  if (vocabulary.control.size() > 1) source.eos = first_control + 1;
  source.add_bos = vocabulary.add_bos;
  auto tokenizer = Tokenizer::create(source);
  if (!tokenizer) fmt::print(stderr, "{}\n", tokenizer.error().message);
  CHECK(tokenizer.has_value());
  return std::move(*tokenizer);
}

// DeepSeek's markup with tags for thoughts.
inline std::unique_ptr<Tokenizer> make_thinking_tokenizer() {
  return make_tokenizer(
      {.control = {"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"},
       .markup = {"<think>", "</think>"}});
}

// ChatML without tags: they are several ordinary tokens, also such as reach past the tag.
inline std::unique_ptr<Tokenizer> make_plain_tokenizer() {
  return make_tokenizer({.merges = {"t h", "i n", "th in", "thin k", "< /", "> A"},
                         .control = {"<s>", "<|im_end|>", "<|im_start|>"},
                         .add_bos = false});
}

}  // namespace aloud
