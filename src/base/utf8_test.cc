// Tests of UTF-8: what is well formed, what is not, and what waits for more bytes.
#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace aloud {
namespace {

using namespace std::string_view_literals;

TEST(Utf8, EveryScalarValueComesBack) {
  for (char32_t value = 0; value <= 0x10FFFF; ++value) {
    if (value >= 0xD800 && value <= 0xDFFF) continue;
    std::string text;
    append_utf8(value, text);
    const CodePoint point = decode_utf8(text);
    ASSERT_TRUE(point.valid && point.value == value && point.length == text.size())
        << static_cast<unsigned>(value);
  }
}

TEST(Utf8, MalformedBytesAreOneByteEach) {
  for (const std::string_view text :
       {"\x80"sv, "\xBF"sv, "\xC0\xAF"sv, "\xC1\xBF"sv, "\xE0\x80\xAF"sv, "\xE0\x9F\xBF"sv, "\xED\xA0\x80"sv,
        "\xF0\x80\x80\xAF"sv, "\xF0\x8F\xBF\xBF"sv, "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xFE"sv,
        "\xFF"sv, "\xC3"sv, "\xE6\x80"sv, "\xC3z"sv}) {
    const CodePoint point = decode_utf8(text);
    EXPECT_FALSE(point.valid) << text;
    EXPECT_EQ(point.value, kReplacement);
    EXPECT_EQ(point.length, 1);
    EXPECT_FALSE(is_valid_utf8(text));
  }
  EXPECT_EQ(decode_utf8("").length, 0);
}

TEST(Utf8, WhatIsNoScalarValueIsReplaced) {
  std::string text;
  append_utf8(0xD800, text);
  append_utf8(0x110000, text);
  EXPECT_EQ(text, "\uFFFD\uFFFD");
}

TEST(Utf8, RepairKeepsWhatIsWellFormed) {
  EXPECT_EQ(replace_malformed_utf8("a\xFF思\xE6\x80"), "a\uFFFD思\uFFFD\uFFFD");
  EXPECT_EQ(replace_malformed_utf8("思考 27*14"), "思考 27*14");
}

TEST(Utf8, AnIncompleteEndIsOnlyWhatMayStillBecomeACharacter) {
  EXPECT_EQ(incomplete_utf8_suffix(""), 0u);
  EXPECT_EQ(incomplete_utf8_suffix("a"), 0u);
  EXPECT_EQ(incomplete_utf8_suffix("思"), 0u);
  EXPECT_EQ(incomplete_utf8_suffix("a\xE6"), 1u);
  EXPECT_EQ(incomplete_utf8_suffix("a\xE6\x80"), 2u);
  EXPECT_EQ(incomplete_utf8_suffix("a\xF0\x9F\x98"), 3u);
  EXPECT_EQ(incomplete_utf8_suffix("a\x80"), 0u);     // continues nothing
  EXPECT_EQ(incomplete_utf8_suffix("\xE0\x80"), 0u);  // overlong
  EXPECT_EQ(incomplete_utf8_suffix("\xED\xA0"), 0u);  // a surrogate
  EXPECT_EQ(incomplete_utf8_suffix("\x80\x80\x80\x80"), 0u);
}

}  // namespace
}  // namespace aloud
