// What an instruction set provides to matmul: the form that weights are taken apart into and a table of
// functions. Internal.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/activations.h"
#include "kernels/isa.h"
#include "kernels/panels.h"
#include "tensor/dtype.h"

namespace aloud {

// Columns of a panel that are taken apart at a time.
inline constexpr int kTileValues = 256;
// Panels that are multiplied together: with two, each broadcast of x serves 32 rows.
inline constexpr int kPanelsAtOnce = 2;
// No instruction set multiplies more columns directly.
inline constexpr int kMaxDirectColumns = 8;

// How a byte stands for a quant.
enum class QuantForm {
  kSigned,    // int8
  kBiased,    // uint8: quant + 128
  kUnsigned,  // 0..127, either way
};

// How the groups of a tile are scaled.
enum class TileScales {
  kFloats,  // each group by a float
  kWhole,   // each group by an integer, all of a block by a float: sums are exact until then
  kFolded,  // the same, and the integers are multiplied into the quants, which take two digits for it
};

// 16 rows x 256 columns of weights taken apart: a vector register holds one column (or four) of all rows.
// Only what its TileScales have is written.
struct WeightTile {
  // Folded: the low digits, unsigned, of quants times scales.
  alignas(64) std::uint8_t quant[kTileValues / 4][kPanelRows][4];
  // [group][row], groups of 16 or 32.
  union {
    alignas(64) float scale[kTileValues / 16][kPanelRows];
    alignas(64) std::int32_t whole_scale[kTileValues / 16][kPanelRows];
  };
  union {
    // The offsets times kOffsetFactor, because an input block's biases are -128 times the sums.
    alignas(64) float offset[kTileValues / 16][kPanelRows];
    // What is multiplied with CoarseBlock's sums and subtracted, two groups side by side.
    alignas(64) std::int16_t whole_offset[kTileValues / 32][kPanelRows][2];
  };
  // Of the whole without offsets: what the sum of each row begins with, see multiply_tile in matmul_tiles.h.
  alignas(64) std::int32_t start[kPanelRows];
  // Of the whole: the block's scale, and that of its offsets.
  alignas(64) float factor[kPanelRows];
  alignas(64) float offset_factor[kPanelRows];
  // Folded: the high digits.
  alignas(64) std::int8_t high[kTileValues / 4][kPanelRows][4];
};

inline constexpr float kOffsetFactor = -1.0f / 128.0f;

// What a product needs to know of a type that is taken apart into tiles.
struct TileFormat {
  int group;  // 16 or 32
  bool has_offset;
  QuantForm form;
  int largest;  // magnitude of a quant
  bool coarse;  // x comes in CoarseBlocks, else in FineBlocks
  TileScales scales;
};

// How one type is taken apart and multiplied for one instruction set.
struct PanelFormat {
  DType type;
  TileFormat tile;
  // Takes `blocks` blocks of each row apart (at most kTileValues columns).
  void (*unpack)(const PanelBlock& first, int blocks, WeightTile& tile);
  // sums[column][row] += panel times x, over `blocks` blocks of each row, without a detour through memory:
  // for 1 to direct_columns columns. x[column] is the first FineBlock or CoarseBlock, as the type wants; its
  // next one is `stride` blocks on. nullptr: tiles are faster.
  void (*multiply_direct)(const PanelBlock& first, std::int64_t blocks, const void* const* x,
                          std::int64_t stride, int count, float* sums);
};

// Memory that will be read soon, in two pieces. A product asks for it while it computes.
struct ReadAhead {
  const std::byte* from[kPanelsAtOnce];
  std::int64_t bytes;  // of each
};

// sums[column][panel][row] += tiles times x over `values` columns of weights. x[column] is the first of x's
// blocks. count >= 1, tile_count is 1 or 2; sums has room for two panels in either case.
struct TileProduct {
  const WeightTile* tiles;
  int tile_count;
  int values;
  const void* const* x;
  int count;
  float* sums;
  ReadAhead ahead;
};

// y[i * y_stride + r] = sum over k of weights[r][k] * x[i][k] in float32. x[i] points to floats, or to
// bfloat16 where the weights are.
struct FloatProduct {
  DType type;
  const std::byte* weights;
  std::int64_t rows;
  std::int64_t columns;
  const void* const* x;
  std::int64_t count;
  float* y;
  std::int64_t y_stride;
};

struct MatmulKernels {
  // Makes blocks [0, count) of x.
  void (*quantise_fine)(const float* x, std::int64_t count, FineBlock* blocks);
  void (*quantise_coarse)(const float* x, std::int64_t count, CoarseBlock* blocks);
  // To the nearest of `count` values, ties to even.
  void (*round_to_bfloats)(const float* x, std::int64_t count, std::uint16_t* bfloats);
  // For products with so many columns. nullptr: the type has no fast way, it goes through Format::unpack.
  const PanelFormat* (*find_panel_format)(DType type, std::int64_t columns);
  // Most columns that are multiplied directly.
  int direct_columns;
  // Columns that multiply() takes at once; the time for fewer is nearly the same.
  int tile_columns;
  // The form of tiles that are taken apart without a PanelFormat.
  QuantForm general_form;
  void (*multiply)(const TileFormat& format, const TileProduct& product);
  void (*multiply_floats)(const FloatProduct& product);
};

extern const MatmulKernels kMatmulScalar;
#if defined(__x86_64__)
extern const MatmulKernels kMatmulAvx2;
extern const MatmulKernels kMatmulAvxVnni;
extern const MatmulKernels kMatmulAvx512;
extern const MatmulKernels kMatmulAvx512Bf16;  // kMatmulAvx512 where the processor multiplies bfloat16
extern const MatmulKernels kMatmulAvx512Amx;   // kMatmulAvx512Bf16 where it multiplies tiles of int8 too
#endif
const MatmulKernels& matmul_kernels(Isa isa);

}  // namespace aloud
