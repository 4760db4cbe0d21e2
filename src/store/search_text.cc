// Texts are compared code point by code point after folding.
#include "store/search_text.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace aloud {
namespace {

constexpr std::string_view kEllipsis = "…";

char32_t fold(char32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 0x20 : c;
  if (c >= 0xC0 && c <= 0xDE && c != 0xD7) return c + 0x20;
  // Latin Extended-A: capital and small letters in turn, from an even or from an odd number on.
  if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177)) return c | 1;
  if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E)) return c + (c & 1);
  if (c >= 0x391 && c <= 0x3A9) return c + 0x20;
  if (c >= 0x400 && c <= 0x40F) return c + 0x50;
  if (c >= 0x410 && c <= 0x42F) return c + 0x20;
  return c;
}

bool is_space(char32_t c) { return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xA0 || c == 0x3000; }

// Characters of a text that belong to a match.
std::vector<bool> marks(std::u32string_view folded, const std::vector<std::u32string>& words) {
  std::vector<bool> marked(folded.size());
  for (const std::u32string& word : words) {
    for (std::size_t at = folded.find(word); at != folded.npos; at = folded.find(word, at + word.size())) {
      std::fill_n(marked.begin() + static_cast<std::ptrdiff_t>(at), word.size(), true);
    }
  }
  return marked;
}

// Where each character begins, and the end.
std::vector<std::size_t> character_offsets(std::string_view text) {
  std::vector<std::size_t> offsets = {0};
  while (offsets.back() < text.size()) {
    offsets.push_back(offsets.back() + decode_utf8(text.substr(offsets.back())).length);
  }
  return offsets;
}

}  // namespace

std::u32string fold_case(std::string_view text) {
  std::u32string folded;
  folded.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    folded.push_back(fold(point.value));
    text.remove_prefix(point.length);
  }
  return folded;
}

std::vector<std::u32string> search_words(std::string_view query) {
  std::vector<std::u32string> words;
  std::u32string word;
  const auto end_word = [&] {
    if (!word.empty() && std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
    word.clear();
  };
  for (const char32_t c : fold_case(query)) {
    if (is_space(c)) {
      end_word();
    } else {
      word.push_back(c);
    }
  }
  end_word();
  return words;
}

bool contains(std::string_view text, std::u32string_view folded_word) {
  return fold_case(text).find(folded_word) != std::u32string::npos;
}

std::vector<TextPiece> marked_pieces(std::string_view text, const std::vector<std::u32string>& words,
                                     std::size_t max_characters) {
  const std::vector<bool> marked = marks(fold_case(text), words);
  const std::vector<std::size_t> offsets = character_offsets(text);
  std::size_t begin = 0;
  std::size_t end = marked.size();
  if (max_characters > 0 && end > max_characters) {
    const auto first = std::find(marked.begin(), marked.end(), true);
    if (first != marked.end()) {
      const auto at = static_cast<std::size_t>(first - marked.begin());
      begin = std::min(at - std::min(at, max_characters / 4), end - max_characters);
    }
    end = begin + max_characters;
  }
  std::vector<TextPiece> pieces;
  for (std::size_t i = begin; i < end; ++i) {
    if (pieces.empty() || pieces.back().matches != marked[i]) pieces.push_back({"", marked[i]});
    pieces.back().text += text.substr(offsets[i], offsets[i + 1] - offsets[i]);
  }
  if (begin > 0) pieces.insert(pieces.begin(), {std::string(kEllipsis), false});
  if (end < marked.size()) pieces.push_back({std::string(kEllipsis), false});
  return pieces;
}

}  // namespace aloud
