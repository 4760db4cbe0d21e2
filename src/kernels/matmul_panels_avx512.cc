// Takes panels of the types with blocks of 256 values apart with AVX-512.
#include "kernels/matmul_avx512.h"

namespace aloud {
namespace {

// Byte `index` of each dword, unsigned (signed), as a float.
ALOUD_INLINE __m512 byte_float(__m512i words, int index) {
  return _mm512_cvtepi32_ps(both(shift(words, 8 * index), _mm512_set1_epi32(0xFF)));
}
ALOUD_INLINE __m512 signed_byte_float(__m512i words, int index) {
  return _mm512_cvtepi32_ps(_mm512_srai_epi32(shift(words, 8 * index - 24), 24));
}

// Four groups' scales: factor times the bytes of a dword.
ALOUD_INLINE void put_four_scales(float (*place)[kPanelRows], __m512i words, __m512 factor) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) _mm512_store_ps(place[i], _mm512_mul_ps(factor, byte_float(words, i)));
}
ALOUD_INLINE void put_four_signed_scales(float (*place)[kPanelRows], __m512i words, __m512 factor) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) _mm512_store_ps(place[i], _mm512_mul_ps(factor, signed_byte_float(words, i)));
}

// value = d * scale * quant - dmin * minimum; offsets are kept times kOffsetFactor.
ALOUD_INLINE __m512 offset_factor(__m512i d_and_dmin) {
  return _mm512_mul_ps(high_half(d_and_dmin), _mm512_set1_ps(-kOffsetFactor));
}

// The head of Q4_K and Q5_K: d, dmin, then eight 6-bit scales and eight 6-bit minima in 12 bytes.
ALOUD_INLINE void take_scales_and_minima(const Rows& rows, GroupScales scales) {
  const FourWords head = load_words(rows, 0);
  const __m512 d = low_half(head.word[0]);
  const __m512 minus_dmin = offset_factor(head.word[0]);
  const __m512i low_scales = head.word[1];
  const __m512i low_minima = head.word[2];
  const __m512i rest = head.word[3];
  put_four_scales(scales.scale, both(low_scales, bytes(0x3F)), d);
  put_four_scales(scales.scale + 4, masked_or(shift(low_scales, 2), bytes(0x30), both(rest, bytes(0x0F))), d);
  put_four_scales(scales.offset, both(low_minima, bytes(0x3F)), minus_dmin);
  put_four_scales(scales.offset + 4,
                  masked_or(shift(low_minima, 2), bytes(0x30), both(shift(rest, 4), bytes(0x0F))),
                  minus_dmin);
}

struct Q4K {
  static constexpr int kValues = 256, kBytes = 144, kGroup = 32;
  static constexpr bool kOffset = true;
  static constexpr QuantForm kForm = QuantForm::kUnsigned;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    take_scales_and_minima(rows, scales);
    // Each 32 bytes hold one group in their low nibbles and the next in their high ones.
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) {
      const FourWords words = load_words(rows, 16 + 16 * q);
      const int step = q / 2 * 16 + q % 2 * 4;
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        sink.put(step + j, both(words.word[j], bytes(0x0F)));
        sink.put(step + j + 8, both(shift(words.word[j], 4), bytes(0x0F)));
      }
    }
  }
};

struct Q5K {
  static constexpr int kValues = 256, kBytes = 176, kGroup = 32;
  static constexpr bool kOffset = true;
  static constexpr QuantForm kForm = QuantForm::kUnsigned;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    take_scales_and_minima(rows, scales);
    // Bit g of a high byte is the fifth bit of group g's value.
#pragma GCC unroll 2
    for (int side = 0; side < 2; ++side) {
      const FourWords high = load_words(rows, 16 + 16 * side);
#pragma GCC unroll 4
      for (int pair = 0; pair < 4; ++pair) {
        const FourWords words = load_words(rows, 48 + 32 * pair + 16 * side);
        const int step = pair * 16 + side * 4;
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          const __m512i low = both(words.word[j], bytes(0x0F));
          const __m512i upper = both(shift(words.word[j], 4), bytes(0x0F));
          sink.put(step + j, masked_or(shift(high.word[j], 2 * pair - 4), bytes(0x10), low));
          sink.put(step + j + 8, masked_or(shift(high.word[j], 2 * pair - 3), bytes(0x10), upper));
        }
      }
    }
  }
};

struct Q6K {
  static constexpr int kValues = 256, kBytes = 210, kGroup = 16;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = QuantForm::kBiased;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    const __m512 d = high_half(load_words(rows, 194).word[3]);
    const FourWords small = load_words(rows, 192);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) put_four_signed_scales(scales.scale + 4 * i, small.word[i], d);
    const __m512i bias = bytes(128 - 32);
    // 128 values lie in 64 bytes of low nibbles (two halves of 32) and 32 bytes of upper pairs of bits.
#pragma GCC unroll 4
    for (int part = 0; part < 4; ++part) {
      const int half = part / 2;
      const int side = part % 2;
      const FourWords first = load_words(rows, half * 64 + side * 16);
      const FourWords second = load_words(rows, half * 64 + 32 + side * 16);
      const FourWords pairs = load_words(rows, 128 + half * 32 + side * 16);
      const int step = half * 32 + side * 4;
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const __m512i a = first.word[j];
        const __m512i b = second.word[j];
        const __m512i high = pairs.word[j];
        const auto join = [&](int shift_count, __m512i low) __attribute__((always_inline)) {
          const __m512i six = masked_or(shift(high, shift_count), bytes(0x30), both(low, bytes(0x0F)));
          return _mm512_add_epi8(six, bias);
        };
        sink.put(step + j, join(-4, a));
        sink.put(step + j + 8, join(-2, b));
        sink.put(step + j + 16, join(0, shift(a, 4)));
        sink.put(step + j + 24, join(2, shift(b, 4)));
      }
    }
  }
};

struct Q2K {
  static constexpr int kValues = 256, kBytes = 84, kGroup = 16;
  static constexpr bool kOffset = true;
  static constexpr QuantForm kForm = QuantForm::kUnsigned;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    const __m512i d_and_dmin = load_words(rows, 68).word[3];
    const FourWords small = load_words(rows, 0);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      put_four_scales(scales.scale + 4 * i, both(small.word[i], bytes(0x0F)), low_half(d_and_dmin));
      put_four_scales(scales.offset + 4 * i, both(shift(small.word[i], 4), bytes(0x0F)),
                      offset_factor(d_and_dmin));
    }
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const FourWords words = load_words(rows, 16 + 16 * q);
#pragma GCC unroll 4
      for (int pair = 0; pair < 4; ++pair) {
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          sink.put(q / 2 * 32 + pair * 8 + q % 2 * 4 + j, both(shift(words.word[j], 2 * pair), bytes(0x03)));
        }
      }
    }
  }
};

struct Q3K {
  static constexpr int kValues = 256, kBytes = 110, kGroup = 16;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = QuantForm::kBiased;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    take_scales(rows, scales);
    const __m512i bias = bytes(128 - 4);
    // Bit g of a high byte is the third bit of values 32 g and on.
#pragma GCC unroll 2
    for (int side = 0; side < 2; ++side) {
      const FourWords high = load_words(rows, 16 * side);
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const FourWords words = load_words(rows, 32 + 32 * half + 16 * side);
#pragma GCC unroll 4
        for (int pair = 0; pair < 4; ++pair) {
#pragma GCC unroll 4
          for (int j = 0; j < 4; ++j) {
            const __m512i low = both(shift(words.word[j], 2 * pair), bytes(0x03));
            const __m512i three = masked_or(shift(high.word[j], half * 4 + pair - 2), bytes(0x04), low);
            sink.put(half * 32 + pair * 8 + side * 4 + j, _mm512_add_epi8(three, bias));
          }
        }
      }
    }
  }

  // Sixteen 6-bit scales minus 32: eight bytes of low nibbles, four bytes of upper pairs, then d.
  ALOUD_INLINE static void take_scales(const Rows& rows, GroupScales scales) {
    const FourWords tail = load_words(rows, 94);
    const __m512 d = high_half(tail.word[3]);
    const __m512i a = join_halves(tail.word[0], tail.word[1]);
    const __m512i b = join_halves(tail.word[1], tail.word[2]);
    const __m512i high = join_halves(tail.word[2], tail.word[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const __m512i low = both(shift(i % 2 == 0 ? a : b, i / 2 * 4), bytes(0x0F));
      const __m512i six = masked_or(shift(high, 2 * i - 4), bytes(0x30), low);
      put_four_signed_scales(scales.scale + 4 * i, _mm512_sub_epi8(six, bytes(32)), d);
    }
  }
};

struct Iq4Xs {
  static constexpr int kValues = 256, kBytes = 136, kGroup = 32;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = QuantForm::kBiased;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    const FourWords head = load_words(rows, 0);
    const __m512 d = low_half(head.word[0]);
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
      const __m512i low = both(shift(head.word[1], 4 * g), _mm512_set1_epi32(0x0F));
      const __m512i six = masked_or(shift(head.word[0], 16 + 2 * g - 4), _mm512_set1_epi32(0x30), low);
      const __m512i scale = _mm512_sub_epi32(six, _mm512_set1_epi32(32));
      _mm512_store_ps(scales.scale[g], _mm512_mul_ps(d, _mm512_cvtepi32_ps(scale)));
    }
    const __m512i table = biased_iq4_values();
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
      const FourWords words = load_words(rows, 8 + 16 * g);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        sink.put(8 * g + j, _mm512_shuffle_epi8(table, both(words.word[j], bytes(0x0F))));
        sink.put(8 * g + j + 4, _mm512_shuffle_epi8(table, both(shift(words.word[j], 4), bytes(0x0F))));
      }
    }
  }
};

constexpr PanelFormat kFormats[] = {
    panel_format<Q2K>(DType::kQ2_K), panel_format<Q3K>(DType::kQ3_K), panel_format<Q4K>(DType::kQ4_K),
    panel_format<Q5K>(DType::kQ5_K), panel_format<Q6K>(DType::kQ6_K), panel_format<Iq4Xs>(DType::kIQ4_XS),
};

}  // namespace

const PanelFormat* find_k_panel_format_avx512(DType type) {
  for (const PanelFormat& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

}  // namespace aloud
