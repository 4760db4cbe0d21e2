// Conversions between float32 and the two 16-bit float formats, on their bits.
#pragma once

#include <cstdint>

namespace aloud {

// Always inlined, so that no copy compiled for one instruction set can serve another (see kernels/). None
// depends on the processor's treatment of subnormal inputs. Narrowing rounds to nearest, ties to even; what
// is too large becomes infinity; NaN stays NaN (and becomes quiet when narrowed). Widening is exact.
#define ALOUD_HALF_INLINE [[gnu::always_inline]] constexpr inline

ALOUD_HALF_INLINE float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t magnitude = half & 0x7FFFu;
  const std::uint32_t rebias =
      magnitude >= 0x7C00 ? 224u << 23 : 112u << 23;  // infinity and NaN go to exponent 255
  const std::uint32_t normal = (magnitude << 13) + rebias;
  // Below 2^-14 the value is the integer times 2^-24.
  const float subnormal = static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24f;
  const std::uint32_t bits = magnitude < 0x0400 ? __builtin_bit_cast(std::uint32_t, subnormal) : normal;
  return __builtin_bit_cast(float, bits | sign);
}

ALOUD_HALF_INLINE std::uint16_t half_from_float(float value) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t sign = bits >> 16 & 0x8000;
  const std::uint32_t magnitude = bits & 0x7FFFFFFF;
  std::uint32_t half = 0;
  if (magnitude > 0x7F800000) {
    half = 0x7E00 | (magnitude >> 13 & 0x03FF);
  } else if (magnitude >= 0x47800000) {  // 65536 and more
    half = 0x7C00;
  } else if (magnitude < 0x38800000) {  // below 2^-14: the addition rounds to a multiple of 2^-24
    half = __builtin_bit_cast(std::uint32_t, __builtin_bit_cast(float, magnitude) + 0.5f) - 0x3F000000;
  } else {
    half = (magnitude - (112u << 23) + 0x0FFF + (magnitude >> 13 & 1)) >> 13;
  }
  return static_cast<std::uint16_t>(sign | half);
}

ALOUD_HALF_INLINE float float_from_bfloat(std::uint16_t bfloat) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(bfloat) << 16);
}

ALOUD_HALF_INLINE std::uint16_t bfloat_from_float(float value) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
  const bool nan = (bits & 0x7FFFFFFF) > 0x7F800000;
  const std::uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  return static_cast<std::uint16_t>(nan ? bits >> 16 | 0x0040 : rounded);
}

#undef ALOUD_HALF_INLINE

}  // namespace aloud
