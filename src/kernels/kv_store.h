// Writes keys and values into pages, over Simd; each instruction set's file includes its Simd first, then
// this.
#pragma once

#include "base/half.h"
#include "kernels/kv_layout.h"

namespace aloud {
namespace {

// out[i * stride] = x[i] in 16 bits.
template <bool kBfloat>
void store_16_bits(const float* x, std::int64_t n, std::uint16_t* out, std::int64_t stride) {
  constexpr int L = Simd::kLanes;
  for (std::int64_t i = 0; i < n; i += L) {
    const int now = n - i < L ? static_cast<int>(n - i) : L;
    std::uint16_t bits[L];
    if constexpr (kBfloat) {
      for (int j = 0; j < now; ++j) bits[j] = bfloat_from_float(x[i + j]);
    } else if (now == L) {
      Simd::load(x + i).store_half(bits);
    } else {
      for (int j = 0; j < now; ++j) bits[j] = half_from_float(x[i + j]);
    }
    for (int j = 0; j < now; ++j) out[(i + j) * stride] = bits[j];
  }
}

// quants[i * stride] * scales[i / 32 * scale_stride] ~ x[i], n a multiple of 32.
void store_int8(const float* x, std::int64_t n, std::int8_t* quants, std::int64_t stride,
                std::uint16_t* scales, std::int64_t scale_stride) {
  for (std::int64_t i = 0; i < n; i += kKvGroup) {
    float largest = 0;
    for (int j = 0; j < kKvGroup; ++j) {
      const float magnitude = __builtin_fabsf(x[i + j]);
      largest = magnitude > largest ? magnitude : largest;
    }
    const std::uint16_t scale = half_from_float(largest / 127);
    const float rounded = float_from_half(scale);
    // A scale that rounds to zero or to infinity: what it stands for is lost either way.
    const float inverse = rounded > 0 && rounded < 65536 ? 1 / rounded : 0;
    for (int j = 0; j < kKvGroup; ++j) {
      const float quant = __builtin_rintf(x[i + j] * inverse);
      const float clamped = quant > 127 ? 127.0f : quant > -127 ? quant : -127.0f;
      quants[(i + j) * stride] = static_cast<std::int8_t>(clamped);
    }
    scales[i / kKvGroup * scale_stride] = scale;
  }
}

void store_kv(const KvSlot& slot, const float* key, const float* value) {
  const std::int64_t t = slot.token;
  if (slot.type == DType::kQ8_0) {
    auto* const quants = reinterpret_cast<std::int8_t*>(slot.keys);
    auto* const scales = reinterpret_cast<std::uint16_t*>(slot.keys + slot.key_width * kPageTokens);
    store_int8(key, slot.key_width, quants + t, kPageTokens, scales + t, kPageTokens);
    if (slot.value_width == 0) return;
    auto* const value_scales =
        reinterpret_cast<std::uint16_t*>(slot.values + slot.value_stride * kPageTokens);
    store_int8(value, slot.value_width, reinterpret_cast<std::int8_t*>(slot.values) + t * slot.value_stride,
               1, value_scales + t * (slot.value_stride / kKvGroup), 1);
    return;
  }
  const auto store = slot.type == DType::kBF16 ? store_16_bits<true> : store_16_bits<false>;
  store(key, slot.key_width, reinterpret_cast<std::uint16_t*>(slot.keys) + t, kPageTokens);
  store(value, slot.value_width, reinterpret_cast<std::uint16_t*>(slot.values) + t * slot.value_stride, 1);
}

}  // namespace
}  // namespace aloud
