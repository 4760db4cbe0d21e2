// Holds back the bytes at the end that may still become a character.
#include "base/utf8.h"
#include "text/tokenizer.h"

namespace aloud {

std::string StreamDecoder::push(TokenId id) {
  if (tokenizer_->is_markup(id)) {
    // Nothing after it can complete what came before it.
    std::string text = finish();
    const TokenKind kind = tokenizer_->kind(id);
    if (kind == TokenKind::kUserDefined) text += replace_malformed_utf8(tokenizer_->bytes(id));
    return text;
  }
  pending_ += tokenizer_->bytes(id);
  const std::size_t complete = pending_.size() - incomplete_utf8_suffix(pending_);
  std::string text = replace_malformed_utf8(std::string_view(pending_).substr(0, complete));
  pending_.erase(0, complete);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text = replace_malformed_utf8(pending_);
  pending_.clear();
  return text;
}

}  // namespace aloud
