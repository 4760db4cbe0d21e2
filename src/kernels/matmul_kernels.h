// What an instruction set provides to matmul: the panel layout that all share and a table of functions.
// Internal.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/isa.h"
#include "kernels/matmul.h"
#include "kernels/panels.h"
#include "tensor/dtype.h"

namespace aloud {

inline constexpr int kPanelValues = 256;
// Row panels that are multiplied together: with two, each broadcast of x serves 32 rows.
inline constexpr int kPanelsAtOnce = 2;

// How a panel's bytes stand for quants.
enum class QuantForm {
  kSigned,    // int8
  kBiased,    // uint8: quant + 128
  kUnsigned,  // 0..127, either way
};

// 16 rows x 256 columns of weights taken apart, so that a vector register holds one column (or four) of all
// rows.
struct WeightPanel {
  alignas(64) std::uint8_t quant[kPanelValues / 4][kPanelRows][4];
  alignas(64) float scale[kPanelValues / 16][kPanelRows];  // [group][row], groups of 16 or 32
  // The offsets times -1/128, because ActivationGroup::bias is -128 times the sum. Only written where there
  // are any.
  alignas(64) float offset[kPanelValues / 16][kPanelRows];
};

inline constexpr float kOffsetFactor = -1.0f / 128.0f;

// Takes the next `values` columns (a multiple of 32 and of the type's block, at most 256) of 16 rows apart:
// row i's first block is at blocks + i * stride.
using UnpackPanel = void (*)(const std::byte* blocks, std::int64_t stride, int values, WeightPanel& panel);

// The same, multiplied at once with one vector: sums[row] += row times x.
using MultiplyVector = void (*)(const std::byte* blocks, std::int64_t stride, int values,
                                const ActivationGroup* x, float* sums);

// How one type is unpacked for one instruction set.
struct PanelFormat {
  DType type;
  int group;  // 16 or 32
  bool has_offset;
  QuantForm form;
  UnpackPanel unpack;
  MultiplyVector multiply_vector;  // nullptr: unpack, then multiply
};

// sums[column][panel][row] += panels times x, over `groups` groups of 32 columns of weights. x[column] points
// at the first of them. count >= 1, panel_count is 1 or 2; sums has room for two panels in either case.
struct PanelProduct {
  const WeightPanel* panels;
  int panel_count;
  int groups;
  const ActivationGroup* const* x;
  int count;
  float* sums;
};

// y[i * y_stride + r] = sum over k of weights[r][k] * x[i][k] in float32.
struct FloatProduct {
  DType type;
  const std::byte* weights;
  std::int64_t rows;
  std::int64_t columns;
  const float* const* x;
  std::int64_t count;
  float* y;
  std::int64_t y_stride;
};

// The part of quantising that is the same everywhere. largest_bits: the largest magnitude of the group as
// bits, so that infinities and NaN come out on top. Sets the scale and returns what values are multiplied
// with to become quants; 0 means that they are all zero, and then the rest of the group is set too.
[[gnu::always_inline]] inline float set_scale(ActivationGroup& group, std::int32_t largest_bits) {
  const float largest = __builtin_bit_cast(float, largest_bits);
  const bool finite = largest_bits < 0x7F800000;
  group.scale = finite ? largest / 127.0f : __builtin_nanf("");
  if (finite && group.scale >= __FLT_MIN__) return 127.0f / largest;
  if (finite) group.scale = 0;
  __builtin_memset(group.quant, 0, sizeof group.quant);
  group.bias = group.half_bias[0] = group.half_bias[1] = 0;
  return 0;
}

[[gnu::always_inline]] inline void set_biases(ActivationGroup& group, std::int32_t low_sum,
                                              std::int32_t high_sum) {
  group.bias = static_cast<float>(-128 * (low_sum + high_sum));
  group.half_bias[0] = static_cast<float>(-128 * low_sum);
  group.half_bias[1] = static_cast<float>(-128 * high_sum);
}

struct MatmulKernels {
  Isa isa;
  // Makes groups [0, count) of x.
  void (*quantise)(const float* x, std::int64_t count, ActivationGroup* groups);
  // nullptr: the type has no fast way, it goes through Format::unpack.
  const PanelFormat* (*find_panel_format)(DType type);
  // The form that multiply takes from types without a fast way.
  QuantForm general_form;
  // Adds a product of panels of this format.
  void (*multiply)(const PanelFormat& format, const PanelProduct& product);
  void (*multiply_floats)(const FloatProduct& product);
};

extern const MatmulKernels kMatmulScalar;
extern const MatmulKernels kMatmulAvx2;
extern const MatmulKernels kMatmulAvx512;

}  // namespace aloud
