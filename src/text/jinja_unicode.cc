// Looks characters up in the generated table and changes the case of whole strings.
#include "text/jinja_unicode.h"

#include <algorithm>

#include "base/utf8.h"

namespace aloud::jinja {
namespace {

constexpr char32_t kMalformed = 0xFFFFFFFF;

// Calls visit(code point, its bytes) for each character; malformed bytes come as kMalformed.
template <class Visit>
void each_character(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    visit(point.valid ? point.value : kMalformed, text.substr(0, point.length));
    text.remove_prefix(point.length);
  }
}

// A capital sigma at the end of a word becomes the final form.
bool sigma_is_final(std::string_view before, std::string_view after) {
  if (before.empty()) return false;
  std::size_t last = before.size() - 1;
  while (last > 0 && (static_cast<unsigned char>(before[last]) & 0xC0) == 0x80) --last;
  if ((classes_of(decode_utf8(before.substr(last)).value) & kCased) == 0) return false;
  return after.empty() || (classes_of(decode_utf8(after).value) & kCased) == 0;
}

void append_lower(std::string_view whole, std::string_view bytes, char32_t character, std::string& out) {
  constexpr char32_t kCapitalSigma = 0x3A3, kFinalSigma = 0x3C2;
  const std::size_t at = static_cast<std::size_t>(bytes.data() - whole.data());
  if (character == kCapitalSigma && sigma_is_final(whole.substr(0, at), whole.substr(at + bytes.size()))) {
    append_utf8(kFinalSigma, out);
  } else {
    append_case(character, Case::kLower, out);
  }
}

}  // namespace

std::uint16_t classes_of(char32_t character) {
  const auto ranges = character_ranges();
  auto after =
      std::upper_bound(ranges.begin(), ranges.end(), character,
                       [](char32_t value, const CharacterRange& range) { return value < range.first; });
  if (after == ranges.begin()) return 0;
  --after;
  return character <= after->last ? after->classes : std::uint16_t{0};
}

void append_case(char32_t character, Case which, std::string& out) {
  if (character < 128) {
    const bool is_lower = character >= 'a' && character <= 'z',
               is_upper = character >= 'A' && character <= 'Z';
    if (is_lower && which != Case::kLower) character -= 32;
    if (is_upper && which == Case::kLower) character += 32;
    out.push_back(static_cast<char>(character));
    return;
  }
  const CaseTable table = case_table(which);
  const auto expansion = std::ranges::lower_bound(table.expansions, character, {}, &CaseExpansion::from);
  if (expansion != table.expansions.end() && expansion->from == character) {
    for (const char32_t part : expansion->to) {
      if (part != 0) append_utf8(part, out);
    }
    return;
  }
  const auto mapping = std::ranges::lower_bound(table.mappings, character, {}, &CaseMapping::from);
  append_utf8(mapping != table.mappings.end() && mapping->from == character ? mapping->to : character, out);
}

std::string to_upper(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  each_character(text, [&](char32_t character, std::string_view bytes) {
    if (character == kMalformed)
      out += bytes;
    else
      append_case(character, Case::kUpper, out);
  });
  return out;
}

std::string to_lower(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  each_character(text, [&](char32_t character, std::string_view bytes) {
    if (character == kMalformed)
      out += bytes;
    else
      append_lower(text, bytes, character, out);
  });
  return out;
}

std::string to_folded(std::string_view text) {
  std::string out;
  each_character(to_upper(text), [&](char32_t character, std::string_view bytes) {
    if (character == kMalformed)
      out += bytes;
    else
      append_case(character, Case::kLower, out);
  });
  return out;
}

std::string to_capitalized(std::string_view text) {
  std::string out;
  bool first = true;
  each_character(text, [&](char32_t character, std::string_view bytes) {
    if (character == kMalformed)
      out += bytes;
    else if (first)
      append_case(character, Case::kTitle, out);
    else
      append_lower(text, bytes, character, out);
    first = false;
  });
  return out;
}

std::string to_title(std::string_view text) {
  std::string out;
  bool in_word = false;
  each_character(text, [&](char32_t character, std::string_view bytes) {
    if (character == kMalformed)
      out += bytes;
    else if (in_word)
      append_lower(text, bytes, character, out);
    else
      append_case(character, Case::kTitle, out);
    in_word = (classes_of(character) & kCased) != 0;
  });
  return out;
}

std::string to_swapped_case(std::string_view text) {
  std::string out;
  each_character(text, [&](char32_t character, std::string_view bytes) {
    if (character == kMalformed)
      out += bytes;
    else if ((classes_of(character) & kUpper) != 0)
      append_lower(text, bytes, character, out);
    else if ((classes_of(character) & kLower) != 0)
      append_case(character, Case::kUpper, out);
    else
      append_utf8(character, out);
  });
  return out;
}

}  // namespace aloud::jinja
