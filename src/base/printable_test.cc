// Tests of what may go to a terminal.
#include "base/printable.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/utf8.h"

namespace aloud {
namespace {

using namespace std::string_view_literals;

TEST(Printable, OrdinaryTextIsUnchanged) {
  EXPECT_EQ(printable("What is 27*14? 思考 é 😀"), "What is 27*14? 思考 é 😀");
}

TEST(Printable, WhatSteersATerminalIsEscaped) {
  EXPECT_EQ(printable("\x1b[31mred\x07\x7f"), "\\x1b[31mred\\x07\\x7f");
  EXPECT_EQ(printable("\0"sv), "\\x00");
  EXPECT_EQ(printable("\u009b31m"), "\\x9b31m");
  EXPECT_EQ(printable("a\u202eb\u2066c\u200f"), "a\\u202eb\\u2066c\\u200f");
  EXPECT_EQ(printable("\xff\xc3"), "\\xff\\xc3");
}

TEST(Printable, LinesStayOnlyWhereTheyMay) {
  EXPECT_EQ(printable("a\n\tb\r"), "a\\x0a\\x09b\\x0d");
  EXPECT_EQ(printable("a\n\tb\r", Lines::kKeep), "a\n\tb\\x0d");
}

TEST(Printable, NoControlCharacterPasses) {
  for (char32_t value = 0; value < 0x3000; ++value) {
    std::string text;
    append_utf8(value, text);
    const std::string shown = printable(text);
    for (std::string_view rest = shown; !rest.empty();) {
      const CodePoint point = decode_utf8(rest);
      ASSERT_TRUE(point.value >= 0x20 && !(point.value >= 0x7F && point.value < 0xA0))
          << static_cast<unsigned>(value);
      rest.remove_prefix(point.length);
    }
  }
}

}  // namespace
}  // namespace aloud
