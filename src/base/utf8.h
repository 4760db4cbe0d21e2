// UTF-8: decoding one code point at a time from bytes that may be anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace aloud {

inline constexpr char32_t kReplacement = 0xFFFD;

// One step of decoding. A malformed byte yields kReplacement with valid = false and length 1.
struct CodePoint {
  char32_t value = 0;
  std::uint8_t length = 0;  // bytes consumed, 1..4; 0 only for empty input
  bool valid = false;
};

// Decodes the code point at the start of text: shortest form only, no surrogates, at most U+10FFFF.
CodePoint decode_utf8(std::string_view text);

// Appends the UTF-8 form of a code point; what is not a Unicode scalar value becomes kReplacement.
void append_utf8(char32_t value, std::string& out);

// Bytes at the end of text that begin a code point which is not complete yet (0..3).
std::size_t incomplete_utf8_suffix(std::string_view text);

bool is_valid_utf8(std::string_view text);

// Each malformed byte becomes U+FFFD; valid text comes back unchanged.
std::string replace_malformed_utf8(std::string_view text);

}  // namespace aloud
