// What AMX computes, on emulated registers, against the products in vector registers: bit by bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "kernels/activations.h"
#include "kernels/isa.h"
#include "kernels/matmul_amx_testing.h"
#include "kernels/panels.h"
#include "kernels/random_blocks.h"

namespace aloud {
namespace {

constexpr DType kTypes[] = {DType::kQ2_K, DType::kQ3_K, DType::kQ4_K,
                            DType::kQ5_K, DType::kQ6_K, DType::kIQ4_XS};
constexpr int kMostColumns = 100;

// Two panels of one block's width.
struct Panels {
  std::vector<std::byte> bytes;
  std::byte* start = nullptr;
  std::int64_t size;

  explicit Panels(DType type) : size(panel_bytes(type, kTileValues)) {
    std::vector<std::byte> rows(kPanelsAtOnce * kPanelRows * row_bytes(type, kTileValues));
    random_blocks(type, 1, rows, 0.02f);
    bytes.resize(kPanelsAtOnce * size + kPanelAlignment);
    void* aligned = bytes.data();
    std::size_t space = bytes.size();
    start = static_cast<std::byte*>(std::align(kPanelAlignment, 1, aligned, space));
    for (int p = 0; p < kPanelsAtOnce; ++p)
      pack_panel(type, kPanelRows, kTileValues, rows.data() + p * kPanelRows * row_bytes(type, kTileValues),
                 start + p * size);
  }
};

std::vector<float> product(const PanelFormat& format, void (*multiply)(const TileFormat&, const TileProduct&),
                           const Panels& panels, const std::vector<const void*>& x, int tile_count) {
  const PanelBlocks blocks(format.type, kTileValues);
  std::vector<WeightTile> tiles(kPanelsAtOnce);
  for (int t = 0; t < tile_count; ++t)
    format.unpack(blocks.find(panels.start + t * panels.size, 0), 1, tiles[t]);
  const std::size_t stride = kPanelsAtOnce * kPanelRows;
  std::vector<float> room(x.size() * stride + 16, 0.0f);
  void* sums = room.data();
  std::size_t space = room.size() * sizeof(float);
  std::align(64, x.size() * stride * sizeof(float), sums, space);
  auto* const first = static_cast<float*>(sums);
  multiply(format.tile, {tiles.data(), tile_count, kTileValues, x.data(), static_cast<int>(x.size()), first});
  std::vector<float> result;
  for (std::size_t c = 0; c < x.size(); ++c)
    result.insert(result.end(), first + c * stride, first + c * stride + tile_count * kPanelRows);
  return result;
}

TEST(MatmulAmx, HasTheBitsOfVectorRegisters) {
  if (supported_isas().front() != Isa::kAvx512) GTEST_SKIP() << "no AVX-512";
  ThreadPool pool(1);
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> values(kMostColumns * kTileValues);
  for (float& value : values) value = normal(random);
  Activations activations;
  activations.assign(Isa::kAvx512, values.data(), kMostColumns, kTileValues, kTileValues, InputForms::kCoarse,
                     pool);
  std::vector<const void*> in_order, jumbled;
  for (int c = 0; c < kMostColumns; ++c) in_order.push_back(activations.coarse(c, 0));
  jumbled = in_order;
  std::shuffle(jumbled.begin(), jumbled.end(), random);
  for (const DType type : kTypes) {
    const PanelFormat* amx = emulated_amx_format(type);
    const PanelFormat* vectors = kMatmulAvx512.find_panel_format(type, kMostColumns);
    ASSERT_TRUE(amx != nullptr && vectors != nullptr);
    const Panels panels(type);
    for (const auto& x : {in_order, jumbled}) {
      for (const int count : {1, 16, 17, 24, 32, 33, 48, 63, kMostColumns}) {
        for (const int tiles : {1, 2}) {
          const std::vector<const void*> some(x.begin(), x.begin() + count);
          const auto found = product(*amx, emulated_amx_multiply, panels, some, tiles);
          const auto wanted = product(*vectors, kMatmulAvx512.multiply, panels, some, tiles);
          ASSERT_EQ(std::memcmp(found.data(), wanted.data(), found.size() * sizeof(float)), 0)
              << info(type).name << ", columns " << count << ", panels " << tiles;
        }
      }
    }
  }
}

}  // namespace
}  // namespace aloud
