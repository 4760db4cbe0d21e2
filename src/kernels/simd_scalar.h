// A short vector of floats for any machine: the scalar reference of the generic kernels.
#pragma once

#include <cstdint>

#include "base/half.h"

namespace aloud {
namespace {  // every instruction set has its own copy; none may be shared across files

// Four floats in an array; the compiler may use whatever the baseline processor has.
struct Simd {
  static constexpr int kLanes = 4;
  // What a product keeps in registers: sums of so many rows times vectors.
  static constexpr int kTileRows = 3;
  static constexpr int kTileVectors = 2;
  float lane[4];

  static Simd set(float value) { return {{value, value, value, value}}; }
  static Simd load(const float* p) { return {{p[0], p[1], p[2], p[3]}}; }
  static Simd load_half(const std::uint16_t* p) {
    return {{float_from_half(p[0]), float_from_half(p[1]), float_from_half(p[2]), float_from_half(p[3])}};
  }
  static Simd load_bfloat(const std::uint16_t* p) {
    return {
        {float_from_bfloat(p[0]), float_from_bfloat(p[1]), float_from_bfloat(p[2]), float_from_bfloat(p[3])}};
  }
  static Simd load_int8(const std::int8_t* p) {
    return {{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]),
             static_cast<float>(p[3])}};
  }
  static Simd set_half(std::uint16_t half) { return set(float_from_half(half)); }
  void store(float* p) const {
    for (int i = 0; i < 4; ++i) p[i] = lane[i];
  }
  void store_half(std::uint16_t* p) const {
    for (int i = 0; i < 4; ++i) p[i] = half_from_float(lane[i]);
  }
  float sum() const { return (lane[0] + lane[2]) + (lane[1] + lane[3]); }
  float maximum() const {
    const float a = lane[0] > lane[1] ? lane[0] : lane[1];
    const float b = lane[2] > lane[3] ? lane[2] : lane[3];
    return a > b ? a : b;
  }
};

template <class Operation>
Simd each(Operation operation) {
  return {{operation(0), operation(1), operation(2), operation(3)}};
}

inline Simd operator+(Simd a, Simd b) {
  return each([&](int i) { return a.lane[i] + b.lane[i]; });
}
inline Simd operator-(Simd a, Simd b) {
  return each([&](int i) { return a.lane[i] - b.lane[i]; });
}
inline Simd operator*(Simd a, Simd b) {
  return each([&](int i) { return a.lane[i] * b.lane[i]; });
}
inline Simd operator/(Simd a, Simd b) {
  return each([&](int i) { return a.lane[i] / b.lane[i]; });
}
// a * b + c
inline Simd multiply_add(Simd a, Simd b, Simd c) {
  return each([&](int i) { return a.lane[i] * b.lane[i] + c.lane[i]; });
}
inline Simd maximum(Simd a, Simd b) {
  return each([&](int i) { return a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Simd minimum(Simd a, Simd b) {
  return each([&](int i) { return a.lane[i] < b.lane[i] ? a.lane[i] : b.lane[i]; });
}
inline Simd nearest_integer(Simd a) {
  return each([&](int i) { return __builtin_rintf(a.lane[i]); });
}
// a * 2^exponent for whole exponents in [-126, 127].
inline Simd scale_by_power_of_two(Simd a, Simd exponent) {
  return each([&](int i) {
    const std::int32_t bits = (static_cast<std::int32_t>(exponent.lane[i]) + 127) << 23;
    return a.lane[i] * __builtin_bit_cast(float, bits);
  });
}
// The lanes of a and b in turn: a0 b0 a1 b1 ...; low takes the first half of them.
inline void zip(Simd a, Simd b, Simd& low, Simd& high) {
  low = {{a.lane[0], b.lane[0], a.lane[1], b.lane[1]}};
  high = {{a.lane[2], b.lane[2], a.lane[3], b.lane[3]}};
}

}  // namespace
}  // namespace aloud
