// Any bytes: UTF-8 is walked to its end, repaired text is valid, and printed text steers no terminal.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/printable.h"
#include "base/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string again;
  bool valid = true;
  for (std::string_view rest = text; !rest.empty();) {
    const aloud::CodePoint point = aloud::decode_utf8(rest);
    CHECK(point.length >= 1 && point.length <= rest.size());
    CHECK(point.valid || point.length == 1);
    if (point.valid)
      aloud::append_utf8(point.value, again);
    else
      again += rest[0];
    valid = valid && point.valid;
    rest.remove_prefix(point.length);
  }
  CHECK(again == text);
  CHECK(valid == aloud::is_valid_utf8(text));

  const std::string repaired = aloud::replace_malformed_utf8(text);
  CHECK(aloud::is_valid_utf8(repaired) && (!valid || repaired == text));

  // What is held back at the end of a stream is short, malformed so far, and not the end of something
  // complete.
  const std::size_t pending = aloud::incomplete_utf8_suffix(text);
  CHECK(pending <= 3 && pending <= size && !(valid && pending > 0));

  for (const unsigned char byte : aloud::printable(text)) CHECK(byte >= 0x20 && byte != 0x7F);
  return 0;
}
