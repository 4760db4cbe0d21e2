// The table of quantised formats, and their expansion to float32.
#include "kernels/format.h"

#include <cstring>

#include "base/check.h"
#include "base/half.h"
#include "kernels/format_unpack.h"

namespace aloud {
namespace {

constexpr Format kFormats[] = {
    {DType::kQ4_0, 32, false, unpack_q4_0},       {DType::kQ4_1, 32, true, unpack_q4_1},
    {DType::kQ5_0, 32, false, unpack_q5_0},       {DType::kQ5_1, 32, true, unpack_q5_1},
    {DType::kQ8_0, 32, false, unpack_q8_0},       {DType::kQ2_K, 16, true, unpack_q2_k},
    {DType::kQ3_K, 16, false, unpack_q3_k},       {DType::kQ4_K, 32, true, unpack_q4_k},
    {DType::kQ5_K, 32, true, unpack_q5_k},        {DType::kQ6_K, 16, false, unpack_q6_k},
    {DType::kIQ2_XXS, 32, false, unpack_iq2_xxs}, {DType::kIQ2_XS, 16, false, unpack_iq2_xs},
    {DType::kIQ3_XXS, 32, false, unpack_iq3_xxs}, {DType::kIQ1_S, 32, false, unpack_iq1_s},
    {DType::kIQ4_NL, 32, false, unpack_iq4_nl},   {DType::kIQ3_S, 32, false, unpack_iq3_s},
    {DType::kIQ2_S, 16, false, unpack_iq2_s},     {DType::kIQ4_XS, 32, false, unpack_iq4_xs},
    {DType::kIQ1_M, 16, false, unpack_iq1_m},     {DType::kTQ1_0, 32, false, unpack_tq1_0},
    {DType::kTQ2_0, 32, false, unpack_tq2_0},     {DType::kMXFP4, 32, false, unpack_mxfp4},
};

std::uint16_t load16(const std::byte* bytes) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, bytes, sizeof bits);
  return bits;
}

// Sixteen values that share a scale and an offset.
void expand_group(const std::int8_t* __restrict quant, float scale, float offset, float* __restrict out) {
  for (int i = 0; i < 16; ++i) out[i] = scale * static_cast<float>(quant[i]) + offset;
}

}  // namespace

std::span<const Format> all_formats() { return kFormats; }

const Format* find_format(DType type) {
  for (const Format& format : kFormats) {
    if (format.type == type) return &format;
  }
  return nullptr;
}

void dequantize(DType type, const std::byte* blocks, std::span<float> out) {
  if (type == DType::kF32) {
    std::memcpy(out.data(), blocks, out.size_bytes());
  } else if (type == DType::kF16) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = float_from_half(load16(blocks + 2 * i));
  } else if (type == DType::kBF16) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = float_from_bfloat(load16(blocks + 2 * i));
  } else {
    const Format* format = find_format(type);
    CHECK(format != nullptr);
    const auto block_values = static_cast<std::size_t>(info(type).block_values);
    const auto block_bytes = static_cast<std::size_t>(info(type).block_bytes);
    CHECK(out.size() % block_values == 0);
    UnpackedBlock block;
    for (std::size_t at = 0; at < out.size(); at += block_values, blocks += block_bytes) {
      format->unpack(blocks, block);
      for (std::size_t i = 0; i < block_values; i += 16) {
        const std::size_t group = i / static_cast<std::size_t>(format->group);
        expand_group(block.quant + i, block.scale[group], block.offset[group], out.data() + at + i);
      }
    }
  }
}

}  // namespace aloud
