// Taking x into its forms, for any instruction set: who includes it defines what is declared first.
#pragma once

#include "base/half.h"
#include "kernels/matmul_kernels.h"

namespace aloud {
namespace {

// The largest magnitude of x as bits, compared as integers: infinities and NaN come out on top. n is a
// multiple of 32.
std::int32_t largest_magnitude(const float* x, int n);

struct QuantSums {
  std::int32_t low, high;  // of 16 quants each
};
// Multiplies 32 values of x and rounds them to the nearest integer, ties to even.
QuantSums quantise_32(const float* x, float factor, std::int8_t* quants);

// Sets the scale and returns what values are multiplied with to become quants; 0 means that they are all
// zero, and then the rest of the block is set too.
template <class Block>
float set_scale(Block& block, std::int32_t largest_bits) {
  const float largest = __builtin_bit_cast(float, largest_bits);
  const bool finite = largest_bits < 0x7F800000;
  block.scale = finite ? largest / 127.0f : __builtin_nanf("");
  if (finite && block.scale >= __FLT_MIN__) return 127.0f / largest;
  const float scale = finite ? 0 : block.scale;
  __builtin_memset(&block, 0, sizeof block);
  block.scale = scale;
  return 0;
}

template <class Block>
void quantise(const float* x, std::int64_t count, Block* blocks) {
  for (std::int64_t b = 0; b < count; ++b, x += Block::kValues) {
    Block& block = blocks[b];
    const float factor = set_scale(block, largest_magnitude(x, Block::kValues));
    if (factor == 0) continue;
    for (int g = 0; g < Block::kValues / 32; ++g) {
      const QuantSums sums = quantise_32(x + 32 * g, factor, block.quant + 32 * g);
      const std::int32_t bias = -128 * (sums.low + sums.high);
      block.bias[g] = static_cast<float>(bias);
      if constexpr (Block::kValues == FineBlock::kValues) {
        block.whole_bias[g] = bias;
      } else {
        block.half_bias[2 * g] = static_cast<float>(-128 * sums.low);
        block.half_bias[2 * g + 1] = static_cast<float>(-128 * sums.high);
        block.sum[g] = static_cast<std::int16_t>(sums.low + sums.high);
        block.half_sum[2 * g] = static_cast<std::int16_t>(sums.low);
        block.half_sum[2 * g + 1] = static_cast<std::int16_t>(sums.high);
      }
    }
  }
}

void round_to_bfloats(const float* x, std::int64_t count, std::uint16_t* bfloats) {
  for (std::int64_t k = 0; k < count; ++k) bfloats[k] = bfloat_from_float(x[k]);
}

}  // namespace
}  // namespace aloud
