// Transposes rows of blocks into panels and back.
#include "kernels/panels.h"

#include <cstring>

#include "base/check.h"

namespace aloud {
namespace {

struct Entry {
  DType type;
  PanelLayout layout;
};

constexpr Entry kLayouts[] = {
    {DType::kQ4_0, {4, 2, 2, 0}},    {DType::kQ4_1, {5, 0, 0, 0}},  {DType::kQ5_0, {5, 2, 2, 0}},
    {DType::kQ5_1, {6, 0, 0, 0}},    {DType::kQ8_0, {8, 2, 2, 0}},  {DType::kIQ4_NL, {4, 2, 2, 0}},
    {DType::kMXFP4, {4, 1, 1, 0}},   {DType::kQ2_K, {21, 0, 0, 0}}, {DType::kQ3_K, {27, 0, 2, 108}},
    {DType::kQ4_K, {36, 0, 0, 0}},   {DType::kQ5_K, {44, 0, 0, 0}}, {DType::kQ6_K, {52, 0, 2, 208}},
    {DType::kIQ4_XS, {34, 0, 0, 0}},
};

constexpr std::size_t kWord = 4;

const PanelLayout& layout_of(DType type) {
  const PanelLayout* layout = find_panel_layout(type);
  CHECK(layout != nullptr);
  return *layout;
}

// Where the parts of a row's block lie in a panel.
struct Places {
  const PanelLayout& layout;
  std::int64_t blocks;

  std::int64_t word(std::int64_t block, int word, int row) const {
    return ((block * layout.words + word) * kPanelRows + row) * std::int64_t{kWord};
  }
  std::int64_t tail(std::int64_t block, int row) const {
    return word(blocks, 0, 0) + (block * kPanelRows + row) * layout.tail_bytes;
  }
};

}  // namespace

const PanelLayout* find_panel_layout(DType type) {
  for (const Entry& entry : kLayouts) {
    if (entry.type == type) return &entry.layout;
  }
  return nullptr;
}

std::int64_t panel_bytes(DType type, std::int64_t columns) {
  const std::int64_t bytes = kPanelRows * row_bytes(type, columns);
  return (bytes + kPanelAlignment - 1) / kPanelAlignment * kPanelAlignment;
}

std::int64_t panel_matrix_bytes(DType type, std::int64_t rows, std::int64_t columns) {
  return (rows + kPanelRows - 1) / kPanelRows * panel_bytes(type, columns);
}

void pack_panel(DType type, int rows, std::int64_t columns, const std::byte* from, std::byte* panel) {
  CHECK(rows >= 1 && rows <= kPanelRows);
  const DTypeInfo& format = info(type);
  const Places places{layout_of(type), columns / format.block_values};
  const std::int64_t row_size = row_bytes(type, columns), size = panel_bytes(type, columns);
  const std::int64_t used = kPanelRows * row_size;
  if (rows < kPanelRows) {
    std::memset(panel, 0, static_cast<std::size_t>(size));
  } else {
    std::memset(panel + used, 0, static_cast<std::size_t>(size - used));
  }
  for (std::int64_t b = 0; b < places.blocks; ++b) {
    const std::byte* block = from + b * format.block_bytes;
    // Word by word, so that panels are written from the beginning to the end.
    for (int w = 0; w < places.layout.words; ++w) {
      const std::byte* word = block + places.layout.first_byte + w * std::int64_t{kWord};
      std::byte* to = panel + places.word(b, w, 0);
      for (int row = 0; row < rows; ++row) {
        std::memcpy(to + row * std::int64_t{kWord}, word + row * row_size, kWord);
      }
    }
    for (int row = 0; row < rows; ++row) {
      for (int i = 0; i < places.layout.tail_bytes; ++i) {
        panel[places.tail(b, row) + i] = block[row * row_size + places.layout.tail_at + i];
      }
    }
  }
}

void unpack_panel_row(DType type, int row, std::int64_t columns, const std::byte* panel, std::byte* to) {
  unpack_panel_blocks(type, row, columns, panel, 0, columns / info(type).block_values, to);
}

void unpack_panel_blocks(DType type, int row, std::int64_t columns, const std::byte* panel,
                         std::int64_t first, std::int64_t count, std::byte* to) {
  const DTypeInfo& format = info(type);
  const Places places{layout_of(type), columns / format.block_values};
  CHECK(row >= 0 && row < kPanelRows && first >= 0 && first + count <= places.blocks);
  for (std::int64_t b = first; b < first + count; ++b, to += format.block_bytes) {
    for (int w = 0; w < places.layout.words; ++w) {
      std::memcpy(to + places.layout.first_byte + w * std::int64_t{kWord}, panel + places.word(b, w, row),
                  kWord);
    }
    for (int i = 0; i < places.layout.tail_bytes; ++i) {
      to[places.layout.tail_at + i] = panel[places.tail(b, row) + i];
    }
  }
}

PanelBlocks::PanelBlocks(DType type, std::int64_t columns) {
  const Places places{layout_of(type), columns / info(type).block_values};
  word_bytes_ = places.word(1, 0, 0);
  tails_ = places.tail(0, 0);
  tail_bytes_ = places.tail(1, 0) - tails_;
}

}  // namespace aloud
