// Cutting and searching of strings that methods and filters share.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "text/jinja_value.h"

namespace aloud::jinja {

// The byte at which the last character begins. REQUIRES: not empty.
std::size_t last_character(std::string_view bytes);

inline constexpr auto npos = std::string_view::npos;

// Linear searches; npos when there is none.
std::size_t find_bytes(std::string_view text, std::string_view part, std::size_t from);
std::size_t find_last_bytes(std::string_view text, std::string_view part);

// chars: the characters to take away, null or None for whitespace.
const Text* strip_text(Heap& heap, const Text& text, const Value* chars, bool left, bool right);
// count < 0: all.
const Text* replace_text(Heap& heap, const Text& text, const Text& from, const Text& to, std::int64_t count);
// As str.splitlines().
std::vector<TextSpan> split_lines(Heap& heap, const Text& text, bool keeps_ends);
// Looking at every character costs more than copying, most of all outside ASCII.
void charge_characters(Heap& heap, const Text& text);
// The whole text after a change of its characters: all marked if any of it was.
const Text* changed_text(Heap& heap, const Text& text, std::string_view changed);
// islower() and isupper(): some character of the wanted classes, none of the refused.
bool has_only_case(const Text& text, std::uint16_t wanted, std::uint16_t refused);
// Spaces (or fill) on both sides up to a width in characters.
enum class Align { kLeft, kRight, kCenter };
const Text* pad_text(Heap& heap, const Text& text, std::int64_t width, Align align, const Text& fill);

}  // namespace aloud::jinja
