// Takes panels of the types with blocks of 32 values apart with AVX-512.
#include "kernels/matmul_avx512.h"

namespace aloud {
namespace {

// What the types with one scale per block of 32 have in common.
struct Block32 {
  static constexpr int kValues = 32, kGroup = 32;
};

struct Q8_0 : Block32 {
  static constexpr int kBytes = 34;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = QuantForm::kBiased;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    _mm512_store_ps(scales.scale[0], low_half(load_words(rows, 0).word[0]));
#pragma GCC unroll 2
    for (int side = 0; side < 2; ++side) {
      const FourWords words = load_words(rows, 2 + 16 * side);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) sink.put(side * 4 + j, _mm512_xor_si512(words.word[j], bytes(0x80)));
    }
  }
};

// 16 bytes of nibbles: the low ones are the first 16 values. change(step, nibbles) makes quants of them.
template <class Sink, class Change>
ALOUD_INLINE void put_nibbles(const Rows& rows, int offset, Sink& sink, Change change) {
  const FourWords words = load_words(rows, offset);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    sink.put(j, change(j, both(words.word[j], bytes(0x0F))));
    sink.put(j + 4, change(j + 4, both(shift(words.word[j], 4), bytes(0x0F))));
  }
}

struct Q4_0 : Block32 {
  static constexpr int kBytes = 18;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = QuantForm::kBiased;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    _mm512_store_ps(scales.scale[0], low_half(load_words(rows, 0).word[0]));
    put_nibbles(rows, 2, sink, [](int, __m512i nibbles) { return _mm512_add_epi8(nibbles, bytes(128 - 8)); });
  }
};

ALOUD_INLINE void put_scale_and_offset(__m512i halves, GroupScales scales) {
  _mm512_store_ps(scales.scale[0], low_half(halves));
  _mm512_store_ps(scales.offset[0], _mm512_mul_ps(high_half(halves), _mm512_set1_ps(kOffsetFactor)));
}

struct Q4_1 : Block32 {
  static constexpr int kBytes = 20;
  static constexpr bool kOffset = true;
  static constexpr QuantForm kForm = QuantForm::kUnsigned;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    put_scale_and_offset(load_words(rows, 0).word[0], scales);
    put_nibbles(rows, 4, sink, [](int, __m512i nibbles) { return nibbles; });
  }
};

// nibbles + 16 where bit 4 * step + (number of the byte) of the row's dword `high` is set.
ALOUD_INLINE __m512i add_fifth_bits(__m512i high, int step, __m512i nibbles) {
  const __m512i first_bytes = _mm512_set4_epi32(0x0C0C0C0C, 0x08080808, 0x04040404, 0);
  const __m512i place = _mm512_add_epi8(first_bytes, bytes(step / 2));
  const __m512i bits = _mm512_set1_epi32(step % 2 == 0 ? 0x08040201 : static_cast<int>(0x80402010));
  const __mmask64 set = _mm512_test_epi8_mask(_mm512_shuffle_epi8(high, place), bits);
  return _mm512_mask_add_epi8(nibbles, set, nibbles, bytes(16));
}

struct Q5_0 : Block32 {
  static constexpr int kBytes = 22;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = QuantForm::kBiased;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    const FourWords head = load_words(rows, 0);
    _mm512_store_ps(scales.scale[0], low_half(head.word[0]));
    const __m512i high = join_halves(head.word[0], head.word[1]);
    put_nibbles(
        rows, 6, sink, [&](int step, __m512i nibbles) __attribute__((always_inline)) {
          return add_fifth_bits(high, step, _mm512_add_epi8(nibbles, bytes(128 - 16)));
        });
  }
};

struct Q5_1 : Block32 {
  static constexpr int kBytes = 24;
  static constexpr bool kOffset = true;
  static constexpr QuantForm kForm = QuantForm::kUnsigned;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    const FourWords head = load_words(rows, 0);
    put_scale_and_offset(head.word[0], scales);
    put_nibbles(
        rows, 8, sink, [&](int step, __m512i nibbles) __attribute__((always_inline)) {
          return add_fifth_bits(head.word[1], step, nibbles);
        });
  }
};

struct Iq4Nl : Block32 {
  static constexpr int kBytes = 18;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = QuantForm::kBiased;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    _mm512_store_ps(scales.scale[0], low_half(load_words(rows, 0).word[0]));
    const __m512i table = biased_iq4_values();
    put_nibbles(rows, 2, sink, [&](int, __m512i nibbles) { return _mm512_shuffle_epi8(table, nibbles); });
  }
};

struct Mxfp4 : Block32 {
  static constexpr int kBytes = 17;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = QuantForm::kBiased;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    // 2^(exponent - 128), because the table holds doubled values; below exponent 2 that is subnormal.
    const __m512i exponent = both(load_words(rows, 0).word[0], _mm512_set1_epi32(0xFF));
    const __m512i normal = shift(_mm512_sub_epi32(exponent, _mm512_set1_epi32(1)), -23);
    const __m512i subnormal = _mm512_sllv_epi32(_mm512_set1_epi32(0x00200000), exponent);
    const __mmask16 small = _mm512_cmplt_epi32_mask(exponent, _mm512_set1_epi32(2));
    _mm512_store_si512(scales.scale[0], _mm512_mask_blend_epi32(small, normal, subnormal));
    // E2M1: 0 0.5 1 1.5 2 3 4 6 and their negatives, doubled, plus 128.
    const __m512i table =
        _mm512_broadcast_i32x4(_mm_setr_epi8(-128, -127, -126, -125, -124, -122, -120, -116,  //
                                             -128, 127, 126, 125, 124, 122, 120, 116));
    put_nibbles(rows, 1, sink, [&](int, __m512i nibbles) { return _mm512_shuffle_epi8(table, nibbles); });
  }
};

constexpr PanelFormat kFormats[] = {
    panel_format<Q4_0>(DType::kQ4_0),   panel_format<Q4_1>(DType::kQ4_1), panel_format<Q5_0>(DType::kQ5_0),
    panel_format<Q5_1>(DType::kQ5_1),   panel_format<Q8_0>(DType::kQ8_0), panel_format<Iq4Nl>(DType::kIQ4_NL),
    panel_format<Mxfp4>(DType::kMXFP4),
};

}  // namespace

const PanelFormat* find_basic_panel_format_avx512(DType type) {
  for (const PanelFormat& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

}  // namespace aloud
