// A small vocabulary for tests and fuzzing: all bytes, a few merges, control tokens, markup and ordinary
// added tokens.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

namespace aloud {

// Owns what a VocabularySource views.
class TestVocabulary {
 public:
  // Bytes that a real vocabulary may lack are left out where all_bytes is false: those that no UTF-8 has.
  explicit TestVocabulary(std::string_view pre_tokenizer, bool all_bytes = true) {
    source_.pre_tokenizer = pre_tokenizer;
    for (int byte = 0; byte < 256; ++byte) {
      const bool in_utf8 = byte != 0xC0 && byte != 0xC1 && byte < 0xF5;
      if (all_bytes || in_utf8) add(letter(byte), TokenKind::kNormal);
    }
    for (const char* merge :
         {"h e", "l l",   "he ll", "hell o", "Ġ t", "Ġt h", "Ġth e", "a a", "aa a", "aa aa",
          "Ġ Ġ", "ĠĠ ĠĠ", "1 2",   "12 3",   "Ċ Ċ", "ä ½",  "ä½ ł",  "< t", "i n",  "in k"}) {
      add_merge(merge);
    }
    source_.bos = add("<｜begin▁of▁sentence｜>", TokenKind::kControl);
    source_.eos = add("<｜end▁of▁sentence｜>", TokenKind::kControl);
    add("<|im_end|>", TokenKind::kUserDefined);
    add("<think>", TokenKind::kUserDefined);
    add("</think>", TokenKind::kUserDefined);
    add("<think>!", TokenKind::kControl);
    add("ö", TokenKind::kUserDefined);
    add("  \n", TokenKind::kUserDefined);
    add("<unused0>", TokenKind::kUnused);
    // A way to markup that only a careless vocabulary has.
    add("<|>", TokenKind::kControl);
    for (const char* merge : {"< |", "<| >"}) add_merge(merge);
    source_.add_bos = true;
  }

  TokenId add(std::string_view piece, TokenKind kind) {
    source_.pieces.push_back(texts_.emplace_back(piece));
    source_.kinds.push_back(kind);
    return static_cast<TokenId>(source_.pieces.size()) - 1;
  }

  // Both parts must be there; adds the result too.
  void add_merge(std::string_view merge) {
    source_.merges.push_back(texts_.emplace_back(merge));
    std::string result(merge);
    result.erase(result.find(' '), 1);
    for (const std::string_view piece : source_.pieces) {
      if (piece == result) return;
    }
    add(result, TokenKind::kNormal);
  }

  // How GPT-2's alphabet writes a byte.
  static std::string letter(int byte) {
    const auto printable = [](int b) { return (b > ' ' && b <= '~') || (b > 0xA0 && b != 0xAD); };
    char32_t next = 0x100;
    for (int b = 0; b < byte; ++b) next += printable(b) ? 0 : 1;
    std::string out;
    append_utf8(printable(byte) ? static_cast<char32_t>(byte) : next, out);
    return out;
  }

  VocabularySource& source() { return source_; }

  std::unique_ptr<Tokenizer> tokenizer() const {
    Result<std::unique_ptr<Tokenizer>> result = Tokenizer::create(source_);
    CHECK(result.has_value());
    return std::move(*result);
  }

 private:
  std::deque<std::string> texts_;
  VocabularySource source_;
};

}  // namespace aloud
