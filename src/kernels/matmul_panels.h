// Takes panels of weights apart, type by type, for any instruction set: see matmul_lanes_avx512.h.
//
// Rows are transposed so that lanes are rows, then the bits are split. The quants are either stored in a
// panel or meet a vector at once.
#pragma once

#include "kernels/matmul_tiles.h"

namespace aloud {
namespace {

using Words = std::uint32_t __attribute__((vector_size(kLanes * 4)));
using SignedWords = std::int32_t __attribute__((vector_size(kLanes * 4)));
using Bytes = std::uint8_t __attribute__((vector_size(kLanes * 4)));

ALOUD_INLINE Ints add_bytes(Ints a, Ints b) { return (Ints)((Bytes)a + (Bytes)b); }
ALOUD_INLINE Ints add_words(Ints a, Ints b) { return (Ints)((Words)a + (Words)b); }
// Words shifted right; a negative count shifts left.
ALOUD_INLINE Ints shift(Ints words, int count) {
  return count >= 0 ? (Ints)((Words)words >> count) : (Ints)((Words)words << -count);
}
// The upper half of each word of a, then the lower half of b's.
ALOUD_INLINE Ints join_halves(Ints a, Ints b) { return shift(a, 16) | shift(b, -16); }
ALOUD_INLINE Floats high_half(Ints words) { return low_half(shift(words, 16)); }

// Four words of each row: word[j] holds in lane i the word at offset + 4 * j of row i.
struct FourWords {
  Ints word[4];
};

ALOUD_INLINE FourWords load_words(const Rows& rows, std::int64_t offset) {
  const Ints a = load_every_fourth_row(rows, 0, offset);
  const Ints b = load_every_fourth_row(rows, 1, offset);
  const Ints c = load_every_fourth_row(rows, 2, offset);
  const Ints d = load_every_fourth_row(rows, 3, offset);
  const Ints ab_low = interleave_low_32(a, b);
  const Ints ab_high = interleave_high_32(a, b);
  const Ints cd_low = interleave_low_32(c, d);
  const Ints cd_high = interleave_high_32(c, d);
  return {{interleave_low_64(ab_low, cd_low), interleave_high_64(ab_low, cd_low),
           interleave_low_64(ab_high, cd_high), interleave_high_64(ab_high, cd_high)}};
}

// Where a block's scales and offsets go, group by group.
struct GroupScales {
  float (*scale)[kPanelRows];
  float (*offset)[kPanelRows];
};

// One way of using quants: they are stored. put(step, quants) takes columns 4 * step ... 4 * step + 3.
struct QuantStore {
  std::uint8_t (*quant)[kPanelRows][4];
  ALOUD_INLINE void put(int step, Ints quants) { store_ints(quant[step], quants); }
};

// The other: they meet a vector.
template <class Type>
struct QuantDot {
  const ActivationGroup* x;
  Ints dot[Type::kValues / Type::kGroup];
  ALOUD_INLINE void put(int step, Ints quants) {
    add_products(dot[step * 4 / Type::kGroup], prepare<Type::kForm>(quants),
                 x[step / 8].quant + step % 8 * 4);
  }
};

// A type is a struct with its figures and
//   template <class Sink> static void take(const Rows& rows, GroupScales scales, Sink& sink);
// which takes one block of each row apart.
template <class Type>
void unpack_panel(const std::byte* blocks, std::int64_t stride, int values, WeightPanel& panel) {
  constexpr int kGroups = Type::kValues / Type::kGroup;
  for (int b = 0; b < values / Type::kValues; ++b) {
    for (int row = 0; row < kPanelRows; row += kLanes) {
      QuantStore store{
          reinterpret_cast<std::uint8_t(*)[kPanelRows][4]>(panel.quant[b * Type::kValues / 4][row])};
      const GroupScales scales{reinterpret_cast<float(*)[kPanelRows]>(panel.scale[b * kGroups] + row),
                               reinterpret_cast<float(*)[kPanelRows]>(panel.offset[b * kGroups] + row)};
      Type::take(Rows{blocks + b * Type::kBytes + row * stride, stride}, scales, store);
    }
  }
}

// What multiply_tile does, for one column and a register of rows.
template <class Type>
ALOUD_INLINE Floats add_block(const Rows& rows, const ActivationGroup* x, Floats sum) {
  constexpr int kGroups = Type::kValues / Type::kGroup;
  constexpr int kParts = kActivationGroup / Type::kGroup;
  alignas(64) float scale[kGroups][kPanelRows];
  alignas(64) float offset[kGroups][kPanelRows];
  QuantDot<Type> sink;
  sink.x = x;
#pragma GCC unroll 16
  for (int g = 0; g < kGroups; ++g) sink.dot[g] = Ints{};
  Type::take(rows, GroupScales{scale, offset}, sink);
#pragma GCC unroll 8
  for (int g = 0; g < kGroups / kParts; ++g) {
    Floats total{};
#pragma GCC unroll 2
    for (int part = 0; part < kParts; ++part) {
      const int i = g * kParts + part;
      const Floats group_offset = Type::kOffset ? load_floats(offset[i]) : Floats{};
      total =
          add_part<Type::kForm, Type::kOffset>(part == 0, total, sink.dot[i], load_floats(scale[i]),
                                               group_offset, kParts == 1 ? x[g].bias : x[g].half_bias[part]);
    }
    sum = multiply_add(total, every_float(x[g].scale), sum);
  }
  return sum;
}

template <class Type>
void multiply_vector(const std::byte* blocks, std::int64_t stride, int values, const ActivationGroup* x,
                     float* sums) {
  for (int row = 0; row < kPanelRows; row += kLanes) {
    Floats sum = load_floats(sums + row);
    for (int b = 0; b < values / Type::kValues; ++b) {
      const Rows rows{blocks + b * Type::kBytes + row * stride, stride};
      sum = add_block<Type>(rows, x + b * Type::kValues / kActivationGroup, sum);
    }
    store_floats(sums + row, sum);
  }
}

// The table of IQ4_NL and IQ4_XS.
ALOUD_INLINE Ints iq4_values() {
  const __m128i values =
      _mm_setr_epi8(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);
  return every_16_bytes(values) ^ every_byte(kQuantBias);
}

// What the types with one scale per block of 32 have in common.
struct Block32 {
  static constexpr int kValues = 32, kGroup = 32;
};

struct Q8_0 : Block32 {
  static constexpr int kBytes = 34;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = kSignedForm;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    store_floats(scales.scale[0], low_half(load_words(rows, 0).word[0]));
#pragma GCC unroll 2
    for (int side = 0; side < 2; ++side) {
      const FourWords words = load_words(rows, 2 + 16 * side);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) sink.put(side * 4 + j, words.word[j] ^ every_byte(kQuantBias));
    }
  }
};

// 16 bytes of nibbles: the low ones are the first 16 values. change(step, nibbles) makes quants of them.
template <class Sink, class Change>
ALOUD_INLINE void put_nibbles(const Rows& rows, int offset, Sink& sink, Change change) {
  const FourWords words = load_words(rows, offset);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    sink.put(j, change(j, (words.word[j] & every_byte(0x0F))));
    sink.put(j + 4, change(j + 4, (shift(words.word[j], 4) & every_byte(0x0F))));
  }
}

struct Q4_0 : Block32 {
  static constexpr int kBytes = 18;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = kSignedForm;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    store_floats(scales.scale[0], low_half(load_words(rows, 0).word[0]));
    put_nibbles(rows, 2, sink,
                [](int, Ints nibbles) { return add_bytes(nibbles, every_byte(kQuantBias - 8)); });
  }
};

ALOUD_INLINE void put_scale_and_offset(Ints halves, GroupScales scales) {
  store_floats(scales.scale[0], low_half(halves));
  store_floats(scales.offset[0], high_half(halves) * every_float(kOffsetFactor));
}

struct Q4_1 : Block32 {
  static constexpr int kBytes = 20;
  static constexpr bool kOffset = true;
  static constexpr QuantForm kForm = QuantForm::kUnsigned;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    put_scale_and_offset(load_words(rows, 0).word[0], scales);
    put_nibbles(rows, 4, sink, [](int, Ints nibbles) { return nibbles; });
  }
};

// nibbles + 16 where bit 4 * step + (number of the byte) of the row's dword `high` is set.
ALOUD_INLINE Ints add_fifth_bits(Ints high, int step, Ints nibbles) {
  const Ints first_bytes = every_16_bytes(_mm_setr_epi32(0, 0x04040404, 0x08080808, 0x0C0C0C0C));
  const Ints place = add_bytes(first_bytes, every_byte(step / 2));
  const Ints bits = every_word(step % 2 == 0 ? 0x08040201 : static_cast<int>(0x80402010));
  return add_where_set(nibbles, every_byte(16), look_up(high, place), bits);
}

struct Q5_0 : Block32 {
  static constexpr int kBytes = 22;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = kSignedForm;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    const FourWords head = load_words(rows, 0);
    store_floats(scales.scale[0], low_half(head.word[0]));
    const Ints high = join_halves(head.word[0], head.word[1]);
    put_nibbles(
        rows, 6, sink, [&](int step, Ints nibbles) __attribute__((always_inline)) {
          return add_fifth_bits(high, step, add_bytes(nibbles, every_byte(kQuantBias - 16)));
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
        rows, 8, sink, [&](int step, Ints nibbles) __attribute__((always_inline)) {
          return add_fifth_bits(head.word[1], step, nibbles);
        });
  }
};

struct Iq4Nl : Block32 {
  static constexpr int kBytes = 18;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = kSignedForm;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    store_floats(scales.scale[0], low_half(load_words(rows, 0).word[0]));
    const Ints table = iq4_values();
    put_nibbles(rows, 2, sink, [&](int, Ints nibbles) { return look_up(table, nibbles); });
  }
};

struct Mxfp4 : Block32 {
  static constexpr int kBytes = 17;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = kSignedForm;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    // 2^(exponent - 128), because the table holds doubled values; below exponent 2 that is subnormal.
    const Ints exponent = (load_words(rows, 0).word[0] & every_word(0xFF));
    const Ints normal = shift(add_words(exponent, every_word(-1)), -23);
    const Ints subnormal = shift(add_words(exponent, every_word(1)), -21);
    const Ints scale = (Ints)((Words)exponent < 2u ? (Words)subnormal : (Words)normal);
    store_ints(scales.scale[0], scale);
    // E2M1: 0 0.5 1 1.5 2 3 4 6 and their negatives, doubled.
    const __m128i values = _mm_setr_epi8(0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12);
    const Ints table = every_16_bytes(values) ^ every_byte(kQuantBias);
    put_nibbles(rows, 1, sink, [&](int, Ints nibbles) { return look_up(table, nibbles); });
  }
};

// The types with blocks of 256.

// Byte `index` of each dword, unsigned (signed), as a float.
ALOUD_INLINE Floats byte_float(Ints words, int index) {
  return to_floats((shift(words, 8 * index) & every_word(0xFF)));
}
ALOUD_INLINE Floats signed_byte_float(Ints words, int index) {
  return to_floats((Ints)((SignedWords)shift(words, 8 * index - 24) >> 24));
}

// Four groups' scales: factor times the bytes of a dword.
ALOUD_INLINE void put_four_scales(float (*place)[kPanelRows], Ints words, Floats factor) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) store_floats(place[i], factor * byte_float(words, i));
}
ALOUD_INLINE void put_four_signed_scales(float (*place)[kPanelRows], Ints words, Floats factor) {
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) store_floats(place[i], factor * signed_byte_float(words, i));
}

// value = d * scale * quant - dmin * minimum; offsets are kept times kOffsetFactor.
ALOUD_INLINE Floats offset_factor(Ints d_and_dmin) {
  return high_half(d_and_dmin) * every_float(-kOffsetFactor);
}

// The head of Q4_K and Q5_K: d, dmin, then eight 6-bit scales and eight 6-bit minima in 12 bytes.
ALOUD_INLINE void take_scales_and_minima(const Rows& rows, GroupScales scales) {
  const FourWords head = load_words(rows, 0);
  const Floats d = low_half(head.word[0]);
  const Floats minus_dmin = offset_factor(head.word[0]);
  const Ints low_scales = head.word[1];
  const Ints low_minima = head.word[2];
  const Ints rest = head.word[3];
  put_four_scales(scales.scale, (low_scales & every_byte(0x3F)), d);
  put_four_scales(scales.scale + 4,
                  masked_or(shift(low_scales, 2), every_byte(0x30), (rest & every_byte(0x0F))), d);
  put_four_scales(scales.offset, (low_minima & every_byte(0x3F)), minus_dmin);
  put_four_scales(scales.offset + 4,
                  masked_or(shift(low_minima, 2), every_byte(0x30), (shift(rest, 4) & every_byte(0x0F))),
                  minus_dmin);
}

struct Q4K {
  static constexpr int kValues = 256, kBytes = 144, kGroup = 32;
  static constexpr bool kOffset = true;
  static constexpr QuantForm kForm = QuantForm::kUnsigned;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    // Each 32 bytes hold one group in their low nibbles and the next in their high ones.
#pragma GCC unroll 8
    for (int q = 0; q < 8; ++q) {
      const FourWords words = load_words(rows, 16 + 16 * q);
      const int step = q / 2 * 16 + q % 2 * 4;
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        sink.put(step + j, (words.word[j] & every_byte(0x0F)));
        sink.put(step + j + 8, (shift(words.word[j], 4) & every_byte(0x0F)));
      }
    }
    take_scales_and_minima(rows, scales);
  }
};

struct Q5K {
  static constexpr int kValues = 256, kBytes = 176, kGroup = 32;
  static constexpr bool kOffset = true;
  static constexpr QuantForm kForm = QuantForm::kUnsigned;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
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
          const Ints low = (words.word[j] & every_byte(0x0F));
          const Ints upper = (shift(words.word[j], 4) & every_byte(0x0F));
          sink.put(step + j, masked_or(shift(high.word[j], 2 * pair - 4), every_byte(0x10), low));
          sink.put(step + j + 8, masked_or(shift(high.word[j], 2 * pair - 3), every_byte(0x10), upper));
        }
      }
    }
    take_scales_and_minima(rows, scales);
  }
};

struct Q6K {
  static constexpr int kValues = 256, kBytes = 210, kGroup = 16;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = kSignedForm;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    const Floats d = high_half(load_words(rows, 194).word[3]);
    const FourWords small = load_words(rows, 192);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) put_four_signed_scales(scales.scale + 4 * i, small.word[i], d);
    const Ints bias = every_byte(kQuantBias - 32);
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
        const Ints a = first.word[j];
        const Ints b = second.word[j];
        const Ints high = pairs.word[j];
        const auto join = [&](int shift_count, Ints low) __attribute__((always_inline)) {
          const Ints six = masked_or(shift(high, shift_count), every_byte(0x30), (low & every_byte(0x0F)));
          return add_bytes(six, bias);
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
    const Ints d_and_dmin = load_words(rows, 68).word[3];
    const FourWords small = load_words(rows, 0);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      put_four_scales(scales.scale + 4 * i, (small.word[i] & every_byte(0x0F)), low_half(d_and_dmin));
      put_four_scales(scales.offset + 4 * i, (shift(small.word[i], 4) & every_byte(0x0F)),
                      offset_factor(d_and_dmin));
    }
#pragma GCC unroll 4
    for (int q = 0; q < 4; ++q) {
      const FourWords words = load_words(rows, 16 + 16 * q);
#pragma GCC unroll 4
      for (int pair = 0; pair < 4; ++pair) {
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          sink.put(q / 2 * 32 + pair * 8 + q % 2 * 4 + j,
                   (shift(words.word[j], 2 * pair) & every_byte(0x03)));
        }
      }
    }
  }
};

struct Q3K {
  static constexpr int kValues = 256, kBytes = 110, kGroup = 16;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = kSignedForm;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    take_scales(rows, scales);
    const Ints bias = every_byte(kQuantBias - 4);
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
            const Ints low = (shift(words.word[j], 2 * pair) & every_byte(0x03));
            const Ints three = masked_or(shift(high.word[j], half * 4 + pair - 2), every_byte(0x04), low);
            sink.put(half * 32 + pair * 8 + side * 4 + j, add_bytes(three, bias));
          }
        }
      }
    }
  }

  // Sixteen 6-bit scales minus 32: eight bytes of low nibbles, four bytes of upper pairs, then d.
  ALOUD_INLINE static void take_scales(const Rows& rows, GroupScales scales) {
    const FourWords tail = load_words(rows, 94);
    const Floats d = high_half(tail.word[3]);
    const Ints a = join_halves(tail.word[0], tail.word[1]);
    const Ints b = join_halves(tail.word[1], tail.word[2]);
    const Ints high = join_halves(tail.word[2], tail.word[3]);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const Ints low = (shift(i % 2 == 0 ? a : b, i / 2 * 4) & every_byte(0x0F));
      const Ints six = masked_or(shift(high, 2 * i - 4), every_byte(0x30), low);
      put_four_signed_scales(scales.scale + 4 * i, add_bytes(six, every_byte(-32)), d);
    }
  }
};

struct Iq4Xs {
  static constexpr int kValues = 256, kBytes = 136, kGroup = 32;
  static constexpr bool kOffset = false;
  static constexpr QuantForm kForm = kSignedForm;

  template <class Sink>
  ALOUD_INLINE static void take(const Rows& rows, GroupScales scales, Sink& sink) {
    const FourWords head = load_words(rows, 0);
    const Floats d = low_half(head.word[0]);
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
      const Ints low = (shift(head.word[1], 4 * g) & every_word(0x0F));
      const Ints six = masked_or(shift(head.word[0], 16 + 2 * g - 4), every_word(0x30), low);
      const Ints scale = add_words(six, every_word(-32));
      store_floats(scales.scale[g], d * to_floats(scale));
    }
    const Ints table = iq4_values();
#pragma GCC unroll 8
    for (int g = 0; g < 8; ++g) {
      const FourWords words = load_words(rows, 8 + 16 * g);
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        sink.put(8 * g + j, look_up(table, (words.word[j] & every_byte(0x0F))));
        sink.put(8 * g + j + 4, look_up(table, (shift(words.word[j], 4) & every_byte(0x0F))));
      }
    }
  }
};

template <class Type>
constexpr PanelFormat panel_format(DType type) {
  return {type, Type::kGroup, Type::kOffset, Type::kForm, unpack_panel<Type>, multiply_vector<Type>};
}

constexpr PanelFormat kPanelFormats[] = {
    panel_format<Q4_0>(DType::kQ4_0),    panel_format<Q4_1>(DType::kQ4_1),
    panel_format<Q5_0>(DType::kQ5_0),    panel_format<Q5_1>(DType::kQ5_1),
    panel_format<Q8_0>(DType::kQ8_0),    panel_format<Iq4Nl>(DType::kIQ4_NL),
    panel_format<Mxfp4>(DType::kMXFP4),  panel_format<Q2K>(DType::kQ2_K),
    panel_format<Q3K>(DType::kQ3_K),     panel_format<Q4K>(DType::kQ4_K),
    panel_format<Q5K>(DType::kQ5_K),     panel_format<Q6K>(DType::kQ6_K),
    panel_format<Iq4Xs>(DType::kIQ4_XS),
};

const PanelFormat* find_panel_format(DType type) {
  for (const PanelFormat& format : kPanelFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

}  // namespace
}  // namespace aloud
