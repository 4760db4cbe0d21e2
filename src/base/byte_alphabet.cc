// The alphabet: printable Latin-1 stands for itself, the other 68 bytes follow from U+0100 on.
#include "base/byte_alphabet.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/utf8.h"

namespace aloud {
namespace {

constexpr char32_t kLetters = 0x100 + 68;

constexpr bool is_printable_latin(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
}

// Byte of each letter, or -1.
constexpr std::array<std::int16_t, kLetters> kBytes = [] {
  std::array<std::int16_t, kLetters> bytes{};
  bytes.fill(-1);
  std::size_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    bytes[is_printable_latin(byte) ? static_cast<std::size_t>(byte) : next++] =
        static_cast<std::int16_t>(byte);
  }
  return bytes;
}();

}  // namespace

void append_byte_letter(unsigned char byte, std::string& out) {
  const auto letter = std::find(kBytes.begin(), kBytes.end(), byte) - kBytes.begin();
  append_utf8(static_cast<char32_t>(letter), out);
}

bool decode_byte_alphabet(std::string_view piece, std::string& out) {
  const std::size_t before = out.size();
  while (!piece.empty()) {
    const CodePoint point = decode_utf8(piece);
    if (!point.valid || point.value >= kLetters || kBytes[point.value] < 0) {
      out.resize(before);
      return false;
    }
    out += static_cast<char>(kBytes[point.value]);
    piece.remove_prefix(point.length);
  }
  return true;
}

}  // namespace aloud
