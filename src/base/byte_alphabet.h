// GPT-2's printable byte alphabet: each byte written as one visible character, as vocabularies store pieces.
#pragma once

#include <string>
#include <string_view>

namespace aloud {

// Appends the character that stands for a byte, in UTF-8.
void append_byte_letter(unsigned char byte, std::string& out);

// Appends the bytes that piece stands for. False, and out as it was, when a character is not of the alphabet.
bool decode_byte_alphabet(std::string_view piece, std::string& out);

}  // namespace aloud
