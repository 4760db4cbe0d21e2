// Escapes what could steer a terminal.
#include "base/printable.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace aloud {
namespace {

bool steers_terminal(char32_t value) {
  return value < 0x20 || (value >= 0x7F && value < 0xA0) || value == 0x061C || value == 0x200E ||
         value == 0x200F || (value >= 0x2028 && value <= 0x202E) || (value >= 0x2066 && value <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text, Lines lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    const bool kept_line = lines == Lines::kKeep && (point.value == '\n' || point.value == '\t');
    if (!point.valid) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (!steers_terminal(point.value) || kept_line) {
      out.append(text.substr(0, point.length));
    } else if (point.value < 0x100) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned>(point.value));
    } else {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(point.value));
    }
    text.remove_prefix(point.length);
  }
  return out;
}

}  // namespace aloud
