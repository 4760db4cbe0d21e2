// What kind of character a code point is, as far as tokenizers ask.
#pragma once

#include <cstdint>

namespace aloud {

// Sets of classes: bits, because a code point may be in several.
using UnicodeClasses = std::uint8_t;
inline constexpr UnicodeClasses kLetter = 1;            // general category L
inline constexpr UnicodeClasses kMark = 2;              // M
inline constexpr UnicodeClasses kNumber = 4;            // N
inline constexpr UnicodeClasses kPunctuation = 8;       // P
inline constexpr UnicodeClasses kSymbol = 16;           // S
inline constexpr UnicodeClasses kSpace = 32;            // property White_Space: \s of the published patterns
inline constexpr UnicodeClasses kLineEnd = 64;          // \r and \n
inline constexpr UnicodeClasses kDeepseekLetter = 128;  // the cased letters that DeepSeek-LLM's pattern lists

// Two steps: code point / 128 -> row, row and code point % 128 -> classes. Generated.
extern const std::uint16_t kUnicodeBlocks[0x110000 / 128];
extern const std::uint8_t kUnicodeClasses[][128];

// value is at most U+10FFFF; unassigned code points and surrogates have no class.
inline UnicodeClasses unicode_classes(char32_t value) {
  return kUnicodeClasses[kUnicodeBlocks[value >> 7]][value & 127];
}

}  // namespace aloud
