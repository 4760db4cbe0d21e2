// matmul in plain C++: the reference for the other instruction sets, and all there is where those are absent.
#include "kernels/matmul_quantise.h"

namespace aloud {
namespace {

// Adding and subtracting 1.5 * 2^23 rounds to the nearest integer, ties to even.
constexpr float kRounder = 12582912.0f;

std::int32_t largest_magnitude(const float* x, int n) {
  std::int32_t largest = 0;
  for (int k = 0; k < n; ++k) {
    const std::int32_t bits = __builtin_bit_cast(std::int32_t, x[k]) & 0x7FFFFFFF;
    if (bits > largest) largest = bits;
  }
  return largest;
}

QuantSums quantise_32(const float* x, float factor, std::int8_t* quants) {
  std::int32_t sums[2] = {0, 0};
  for (int k = 0; k < 32; ++k) {
    quants[k] = static_cast<std::int8_t>(x[k] * factor + kRounder - kRounder);
    sums[k / 16] += quants[k];
  }
  return {sums[0], sums[1]};
}

const PanelFormat* find_panel_format(DType, std::int64_t) { return nullptr; }

// values / 4 steps of the integer products of 16 rows with one column.
void dot_group(const std::uint8_t (*quant)[kPanelRows][4], const std::int8_t* x, int values,
               std::int32_t* dot) {
  for (int row = 0; row < kPanelRows; ++row) dot[row] = 0;
  for (int k = 0; k < values; k += 4) {
    for (int row = 0; row < kPanelRows; ++row) {
      const std::uint8_t* w = quant[k / 4][row];
      dot[row] += static_cast<std::int8_t>(w[0]) * x[k] + static_cast<std::int8_t>(w[1]) * x[k + 1] +
                  static_cast<std::int8_t>(w[2]) * x[k + 2] + static_cast<std::int8_t>(w[3]) * x[k + 3];
    }
  }
}

// One tile times one column.
template <class Block>
void multiply_tile(const TileFormat& format, const WeightTile& tile, int values, const Block* x,
                   float* sums) {
  const int groups = Block::kValues / format.group;
  for (int b = 0; b < values / Block::kValues; ++b, ++x) {
    float total[kPanelRows] = {};
    for (int g = 0; g < groups; ++g) {
      const int i = b * groups + g;
      std::int32_t dot[kPanelRows];
      dot_group(tile.quant + i * format.group / 4, x->quant + g * format.group, format.group, dot);
      float bias = x->bias[g * format.group / 32];
      if constexpr (Block::kValues == CoarseBlock::kValues) {
        if (format.group == 16) bias = x->half_bias[g];
      }
      for (int row = 0; row < kPanelRows; ++row) {
        total[row] += tile.scale[i][row] * static_cast<float>(dot[row]);
        if (format.has_offset) total[row] += tile.offset[i][row] * bias;
      }
    }
    for (int row = 0; row < kPanelRows; ++row) sums[row] += x->scale * total[row];
  }
}

void multiply(const TileFormat& format, const TileProduct& product) {
  for (int column = 0; column < product.count; ++column) {
    for (int t = 0; t < product.tile_count; ++t) {
      float* sums = product.sums + (column * kPanelsAtOnce + t) * kPanelRows;
      const void* x = product.x[column];
      if (format.coarse) {
        multiply_tile(format, product.tiles[t], product.values, static_cast<const CoarseBlock*>(x), sums);
      } else {
        multiply_tile(format, product.tiles[t], product.values, static_cast<const FineBlock*>(x), sums);
      }
    }
  }
}

template <DType kType>
float value_at(const void* row, std::int64_t k) {
  if constexpr (kType == DType::kF32) {
    float value;
    __builtin_memcpy(&value, static_cast<const std::byte*>(row) + 4 * k, sizeof value);
    return value;
  } else {
    std::uint16_t bits;
    __builtin_memcpy(&bits, static_cast<const std::byte*>(row) + 2 * k, sizeof bits);
    return kType == DType::kF16 ? float_from_half(bits) : float_from_bfloat(bits);
  }
}

// Eight partial sums, because one long float sum would lose digits.
template <DType kType>
void multiply_floats_of(const FloatProduct& product) {
  constexpr int kLanes = 8;
  constexpr DType kInput = kType == DType::kBF16 ? kType : DType::kF32;
  const std::int64_t row_size = row_bytes(kType, product.columns);
  for (std::int64_t r = 0; r < product.rows; ++r) {
    const std::byte* row = product.weights + r * row_size;
    for (std::int64_t i = 0; i < product.count; ++i) {
      float sums[kLanes] = {};
      for (std::int64_t k = 0; k < product.columns; ++k)
        sums[k % kLanes] += value_at<kType>(row, k) * value_at<kInput>(product.x[i], k);
      float total = 0;
      for (const float sum : sums) total += sum;
      product.y[i * product.y_stride + r] = total;
    }
  }
}

void multiply_floats(const FloatProduct& product) {
  switch (product.type) {
    case DType::kF32:
      return multiply_floats_of<DType::kF32>(product);
    case DType::kF16:
      return multiply_floats_of<DType::kF16>(product);
    default:
      return multiply_floats_of<DType::kBF16>(product);
  }
}

}  // namespace

const MatmulKernels kMatmulScalar{
    quantise<FineBlock>,
    quantise<CoarseBlock>,
    round_to_bfloats,
    find_panel_format,
    0,
    1,
    QuantForm::kSigned,
    multiply,
    multiply_floats,
};

}  // namespace aloud
