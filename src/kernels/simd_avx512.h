// Sixteen floats in a 512-bit register, for the generic kernels. Needs AVX-512 F.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace aloud {
namespace {  // every instruction set has its own copy; none may be shared across files

struct Simd {
  static constexpr int kLanes = 16;
  __m512 v;

  static Simd set(float value) { return {_mm512_set1_ps(value)}; }
  static Simd load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Simd load_half(const std::uint16_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  void store_half(std::uint16_t* p) const {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  float sum() const { return _mm512_reduce_add_ps(v); }
  float maximum() const { return _mm512_reduce_max_ps(v); }
};

inline Simd operator+(Simd a, Simd b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Simd operator-(Simd a, Simd b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Simd operator*(Simd a, Simd b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Simd operator/(Simd a, Simd b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Simd multiply_add(Simd a, Simd b, Simd c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Simd maximum(Simd a, Simd b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Simd minimum(Simd a, Simd b) { return {_mm512_min_ps(a.v, b.v)}; }
inline Simd nearest_integer(Simd a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline Simd scale_by_power_of_two(Simd a, Simd exponent) { return {_mm512_scalef_ps(a.v, exponent.v)}; }

}  // namespace
}  // namespace aloud
