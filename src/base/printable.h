// Makes text from outside (models, metadata, file names) safe to show on a terminal.
#pragma once

#include <string>
#include <string_view>

namespace aloud {

enum class Lines { kKeep, kEscape };

// Control characters (C0, DEL, C1), bidirectional overrides and malformed UTF-8 become visible escapes such
// as \x1b or \u202e; with Lines::kKeep newline and tab stay as they are. Everything else is unchanged.
std::string printable(std::string_view text, Lines lines = Lines::kEscape);

}  // namespace aloud
