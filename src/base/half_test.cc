// Tests of the 16-bit floats against the definition of the formats.
#include "base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace aloud {
namespace {

// The value of a binary16 pattern by its definition.
double defined_half(std::uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int mantissa = half & 0x3FF;
  double value = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  if (exponent == 31) value = mantissa == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
  return (half & 0x8000) != 0 ? -value : value;
}

std::uint32_t bits_of(float value) { return __builtin_bit_cast(std::uint32_t, value); }

TEST(half, every_pattern_widens_exactly_and_comes_back) {
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    const auto half = static_cast<std::uint16_t>(pattern);
    const float value = float_from_half(half);
    const double expected = defined_half(half);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << pattern;
      ASSERT_EQ(half_from_float(value), half | 0x0200) << pattern;
      continue;
    }
    ASSERT_EQ(static_cast<double>(value), expected) << pattern;
    ASSERT_EQ(std::signbit(value), (half & 0x8000) != 0) << pattern;
    ASSERT_EQ(half_from_float(value), half) << pattern;
  }
}

TEST(half, rounds_to_the_nearest_and_ties_to_even) {
  for (std::uint32_t pattern = 0; pattern < 0x7BFF; ++pattern) {
    const auto low = static_cast<std::uint16_t>(pattern);
    const auto high = static_cast<std::uint16_t>(pattern + 1);
    // Halfway between neighbours is exact in float32.
    const float middle = (float_from_half(low) + float_from_half(high)) / 2;
    ASSERT_EQ(half_from_float(middle), pattern % 2 == 0 ? low : high) << pattern;
    ASSERT_EQ(half_from_float(std::nextafter(middle, 0.0f)), low) << pattern;
    ASSERT_EQ(half_from_float(std::nextafter(middle, 1e9f)), high) << pattern;
    ASSERT_EQ(half_from_float(-middle), half_from_float(middle) | 0x8000) << pattern;
  }
}

TEST(half, what_is_too_large_becomes_infinity) {
  EXPECT_EQ(half_from_float(65519.996f), 0x7BFF);
  EXPECT_EQ(half_from_float(65520.0f), 0x7C00);
  EXPECT_EQ(half_from_float(1e30f), 0x7C00);
  EXPECT_EQ(half_from_float(-1e30f), 0xFC00);
  EXPECT_EQ(half_from_float(1e-30f), 0x0000);
  EXPECT_EQ(half_from_float(-0.0f), 0x8000);
}

TEST(bfloat, every_pattern_widens_exactly_and_comes_back) {
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    const auto bfloat = static_cast<std::uint16_t>(pattern);
    const float value = float_from_bfloat(bfloat);
    ASSERT_EQ(bits_of(value), pattern << 16);
    ASSERT_EQ(bfloat_from_float(value), std::isnan(value) ? bfloat | 0x0040 : bfloat) << pattern;
  }
}

TEST(bfloat, rounds_to_the_nearest_and_ties_to_even) {
  EXPECT_EQ(bfloat_from_float(__builtin_bit_cast(float, 0x3F808000u)), 0x3F80);
  EXPECT_EQ(bfloat_from_float(__builtin_bit_cast(float, 0x3F818000u)), 0x3F82);
  EXPECT_EQ(bfloat_from_float(__builtin_bit_cast(float, 0x3F808001u)), 0x3F81);
  EXPECT_EQ(bfloat_from_float(__builtin_bit_cast(float, 0x3F807FFFu)), 0x3F80);
  EXPECT_EQ(bfloat_from_float(3.4e38f), 0x7F80);
  EXPECT_EQ(bfloat_from_float(__builtin_bit_cast(float, 0x7F800001u)), 0x7FC0);  // NaN stays NaN
}

}  // namespace
}  // namespace aloud
