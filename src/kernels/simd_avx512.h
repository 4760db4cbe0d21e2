// Sixteen floats in a 512-bit register, for the generic kernels. Needs AVX-512 F.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace aloud {
namespace {  // every instruction set has its own copy; none may be shared across files

struct Simd {
  static constexpr int kLanes = 16;
  // What a product keeps in the 32 registers: sums of so many rows times vectors, their inputs beside them.
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 4;
  __m512 v;

  static Simd set(float value) { return {_mm512_set1_ps(value)}; }
  static Simd load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Simd load_half(const std::uint16_t* p) {
    return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
  }
  static Simd load_bfloat(const std::uint16_t* p) {
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
    return {_mm512_castsi512_ps(_mm512_slli_epi32(bits, 16))};
  }
  static Simd load_int8(const std::int8_t* p) {
    return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
  }
  static Simd set_half(std::uint16_t half) {
    return {_mm512_cvtph_ps(_mm256_set1_epi16(static_cast<short>(half)))};
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
// The lanes of a and b in turn: a0 b0 a1 b1 ...; low takes the first half of them.
inline void zip(Simd a, Simd b, Simd& low, Simd& high) {
  const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const __m512i second = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  low.v = _mm512_permutex2var_ps(a.v, first, b.v);
  high.v = _mm512_permutex2var_ps(a.v, second, b.v);
}

}  // namespace
}  // namespace aloud
