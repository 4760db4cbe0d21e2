// The formats of strings that JSON schemas name, as patterns.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace aloud {

// A pattern for whole texts (see grammar_regex.h), or nothing for a format that is not known. Every text of
// it has the format as ajv-formats checks it; of the rarer ways to write a format some are left out.
std::optional<std::string> format_pattern(std::string_view format);

}  // namespace aloud
