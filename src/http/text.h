// The small text operations that HTTP is made of; ASCII only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace aloud {

bool equal_ignoring_case(std::string_view a, std::string_view b);
std::string lower_case(std::string_view text);
// Without spaces and tabs at both ends.
std::string_view trim(std::string_view text);
// All of the text is a number in digits of that base, without sign, and fits.
bool parse_number(std::string_view text, int base, std::uint64_t& value);

}  // namespace aloud
