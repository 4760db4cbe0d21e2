// What counts as white space between the parts of a reply.
#pragma once

#include <string_view>

namespace aloud {

inline constexpr std::string_view kSpaces = " \t\r\n";

}  // namespace aloud
