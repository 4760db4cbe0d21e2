// Panels keep every bit, and rows come back out of them.
#include "kernels/panels.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "kernels/format.h"
#include "kernels/random_blocks.h"
#include "kernels/weight_matrix.h"

namespace aloud {
namespace {

struct Packed {
  std::vector<std::byte> rows, panels;
};

Packed random_matrix(DType type, std::int64_t rows, std::int64_t columns) {
  Packed packed;
  packed.rows.resize(rows * row_bytes(type, columns));
  random_blocks(type, 5, packed.rows, 0.02f);
  packed.panels.assign(panel_matrix_bytes(type, rows, columns), std::byte{0xA5});
  for (std::int64_t row = 0; row < rows; row += kPanelRows) {
    pack_panel(type, static_cast<int>(std::min<std::int64_t>(kPanelRows, rows - row)), columns,
               packed.rows.data() + row * row_bytes(type, columns),
               packed.panels.data() + row / kPanelRows * panel_bytes(type, columns));
  }
  return packed;
}

TEST(Panels, RowsComeBackBitForBit) {
  int types = 0;
  for (const DTypeInfo& type : all_dtypes()) {
    if (find_panel_layout(type.type) == nullptr) continue;
    ++types;
    for (const std::int64_t rows : {1, 15, 16, 37}) {
      const std::int64_t columns = type.block_values * 3;
      const Packed packed = random_matrix(type.type, rows, columns);
      const std::int64_t size = row_bytes(type.type, columns);
      std::vector<std::byte> row(size);
      std::vector<float> expected(columns), values(columns);
      const WeightMatrix matrix{type.type, rows, columns, packed.panels.data(), WeightLayout::kPanels};
      for (std::int64_t r = 0; r < rows; ++r) {
        unpack_panel_row(type.type, static_cast<int>(r % kPanelRows), columns,
                         packed.panels.data() + r / kPanelRows * panel_bytes(type.type, columns), row.data());
        ASSERT_EQ(std::memcmp(row.data(), packed.rows.data() + r * size, size), 0) << type.name << " " << r;
        dequantize(type.type, packed.rows.data() + r * size, expected);
        dequantize_row(matrix, r, values);
        ASSERT_EQ(std::memcmp(values.data(), expected.data(), columns * sizeof(float)), 0) << type.name;
      }
    }
  }
  EXPECT_EQ(types, 13);
}

// Rows that are not there are zero, and the padding too: the same matrix always gives the same bytes.
TEST(Panels, EveryByteIsWritten) {
  for (const DTypeInfo& type : all_dtypes()) {
    if (find_panel_layout(type.type) == nullptr) continue;
    const std::int64_t columns = type.block_values * 3;
    Packed packed = random_matrix(type.type, 3, columns);
    const std::vector<std::byte> first = packed.panels;
    std::fill(packed.panels.begin(), packed.panels.end(), std::byte{0x5A});
    pack_panel(type.type, 3, columns, packed.rows.data(), packed.panels.data());
    EXPECT_EQ(first, packed.panels) << type.name;
    std::vector<std::byte> row(row_bytes(type.type, columns));
    unpack_panel_row(type.type, 7, columns, packed.panels.data(), row.data());
    for (const std::byte byte : row) ASSERT_EQ(byte, std::byte{0}) << type.name;
  }
}

TEST(Panels, SizesAreThoseOfTheRowsAndAligned) {
  EXPECT_EQ(panel_bytes(DType::kQ4_K, 512), 16 * 288);
  EXPECT_EQ(panel_bytes(DType::kQ6_K, 256), 16 * 210 + 32);
  EXPECT_EQ(panel_matrix_bytes(DType::kQ8_0, 17, 64), 2 * 16 * 68);
  EXPECT_EQ(find_panel_layout(DType::kF16), nullptr);
  EXPECT_EQ(find_panel_layout(DType::kIQ1_S), nullptr);
  for (const DTypeInfo& type : all_dtypes()) {
    if (const PanelLayout* layout = find_panel_layout(type.type)) {
      EXPECT_EQ(layout->words * 4 + layout->tail_bytes, type.block_bytes) << type.name;
      EXPECT_EQ(panel_bytes(type.type, type.block_values * 7) % kPanelAlignment, 0) << type.name;
    }
  }
}

}  // namespace
}  // namespace aloud
