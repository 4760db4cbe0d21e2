// Eight floats in a 256-bit register, for the generic kernels. Needs AVX2, FMA and F16C.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace aloud {
namespace {  // every instruction set has its own copy; none may be shared across files

struct Simd {
  static constexpr int kLanes = 8;
  // What a product keeps in the 16 registers: sums of so many rows times vectors, their inputs beside them.
  static constexpr int kTileRows = 6;
  static constexpr int kTileVectors = 2;
  __m256 v;

  static Simd set(float value) { return {_mm256_set1_ps(value)}; }
  static Simd load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Simd load_half(const std::uint16_t* p) {
    return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
  }
  static Simd load_bfloat(const std::uint16_t* p) {
    const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
    return {_mm256_castsi256_ps(_mm256_slli_epi32(bits, 16))};
  }
  static Simd load_int8(const std::int8_t* p) {
    return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
  }
  static Simd set_half(std::uint16_t half) {
    return {_mm256_cvtph_ps(_mm_set1_epi16(static_cast<short>(half)))};
  }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  void store_half(std::uint16_t* p) const {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
  }
  float sum() const {
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
  }
  float maximum() const {
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
  }
};

inline Simd operator+(Simd a, Simd b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Simd operator-(Simd a, Simd b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Simd operator*(Simd a, Simd b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline Simd operator/(Simd a, Simd b) { return {_mm256_div_ps(a.v, b.v)}; }
inline Simd multiply_add(Simd a, Simd b, Simd c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline Simd maximum(Simd a, Simd b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Simd minimum(Simd a, Simd b) { return {_mm256_min_ps(a.v, b.v)}; }
inline Simd nearest_integer(Simd a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline Simd scale_by_power_of_two(Simd a, Simd exponent) {
  const __m256i biased = _mm256_add_epi32(_mm256_cvtps_epi32(exponent.v), _mm256_set1_epi32(127));
  return {_mm256_mul_ps(a.v, _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23)))};
}
// The lanes of a and b in turn: a0 b0 a1 b1 ...; low takes the first half of them.
inline void zip(Simd a, Simd b, Simd& low, Simd& high) {
  const __m256 even = _mm256_unpacklo_ps(a.v, b.v), odd = _mm256_unpackhi_ps(a.v, b.v);
  low.v = _mm256_permute2f128_ps(even, odd, 0x20);
  high.v = _mm256_permute2f128_ps(even, odd, 0x31);
}

}  // namespace
}  // namespace aloud
