// What Python's str methods know about characters: classes and case mappings, from a generated table.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace aloud::jinja {

// Bits of a character's classes, named as Python's str.is...() methods are.
enum CharacterClass : std::uint16_t {
  kAlpha = 1,
  kDecimal = 2,
  kDigit = 4,
  kNumeric = 8,
  kLower = 16,
  kUpper = 32,
  kTitle = 64,
  kSpace = 128,
  kPrintable = 256,
  kCased = 512,
};

// Characters [first, last] share their classes; the table is sorted, gaps have none.
struct CharacterRange {
  char32_t first, last;
  std::uint16_t classes;
};
struct CaseMapping {
  char32_t from, to;
};
struct CaseExpansion {
  char32_t from, to[3];  // 0 ends a shorter one
};
enum class Case { kUpper, kLower, kTitle };
struct CaseTable {
  std::span<const CaseMapping> mappings;      // sorted by from
  std::span<const CaseExpansion> expansions;  // sorted by from
};

std::span<const CharacterRange> character_ranges();
CaseTable case_table(Case which);

std::uint16_t classes_of(char32_t character);
inline bool is_space(char32_t character) {
  if (character < 128)
    return character == ' ' || (character >= 9 && character <= 13) || (character >= 28 && character <= 31);
  return (classes_of(character) & kSpace) != 0;
}
// Appends the character in another case (up to three characters).
void append_case(char32_t character, Case which, std::string& out);

// str.upper(), lower() and so on. Malformed bytes stay as they are.
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_capitalized(std::string_view text);
std::string to_title(std::string_view text);
std::string to_folded(std::string_view text);  // str.casefold()
std::string to_swapped_case(std::string_view text);

}  // namespace aloud::jinja
