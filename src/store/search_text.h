// Words in texts, in either case: what a search asks for, where a text has it, and what is shown of that.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "store/conversation.h"

namespace aloud {

// Small letters for capital ones, in the Latin, Greek and Cyrillic alphabets; one code point stays one code
// point.
std::u32string fold_case(std::string_view text);

// The words of a query, between white space, folded, none of them twice.
std::vector<std::u32string> search_words(std::string_view query);

bool contains(std::string_view text, std::u32string_view folded_word);

// The text in pieces, those that are one of the words marked. With max_characters (0: all of the text) only a
// window that begins a little before the first match; "…" stands where it was cut.
std::vector<TextPiece> marked_pieces(std::string_view text, const std::vector<std::u32string>& words,
                                     std::size_t max_characters);

}  // namespace aloud
