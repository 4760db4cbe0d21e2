// The layout that quantised weights are multiplied in: panels of 16 rows whose words lie side by side.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/dtype.h"

namespace aloud {

// Rows of a panel: a vector register holds one 32-bit word of each.
inline constexpr int kPanelRows = 16;
// Panels begin at multiples of so many bytes from the first one, which should be aligned alike.
inline constexpr std::int64_t kPanelAlignment = 64;

// A panel is 16 rows of blocks, transposed by words of 4 bytes; it takes as many bytes as the rows did, but
// for the padding of its end to kPanelAlignment:
//   [block][word of the block][row][4 bytes]   the blocks without their tails, then
//   [block][row][tail_bytes]                   the tails.
// What is left of a block when it is cut into words is its tail (its float16 scale, or its exponent), at its
// beginning or at its end. Rows past the end of the matrix are zero bytes.
struct PanelLayout {
  int words;       // of a block
  int first_byte;  // of a block where its first word begins
  int tail_bytes;  // 0, 1 or 2
  int tail_at;     // byte of a block where the tail begins
};

// nullptr: the type is multiplied as it lies in the file (floats), or has no fast way.
const PanelLayout* find_panel_layout(DType type);

// The bytes of one panel of `columns` columns, and of all panels of a matrix. The type has a panel layout.
std::int64_t panel_bytes(DType type, std::int64_t columns);
std::int64_t panel_matrix_bytes(DType type, std::int64_t rows, std::int64_t columns);

// Makes one panel of up to 16 rows, which lie one after another as in a file (row_bytes each, any alignment).
// Writes panel_bytes(type, columns) bytes. Pure: any thread.
void pack_panel(DType type, int rows, std::int64_t columns, const std::byte* from, std::byte* panel);

// The other way: one row of a panel, as it lay in the file; row_bytes(type, columns) bytes.
void unpack_panel_row(DType type, int row, std::int64_t columns, const std::byte* panel, std::byte* to);
// Only blocks [first, first + count) of it.
void unpack_panel_blocks(DType type, int row, std::int64_t columns, const std::byte* panel,
                         std::int64_t first, std::int64_t count, std::byte* to);

// Where a block column of a panel lies.
struct PanelBlock {
  const std::byte* words;  // [word][row][4]
  const std::byte* tails;  // [row][tail_bytes]
};
class PanelBlocks {
 public:
  // Of panels of `columns` columns. The type has a panel layout.
  PanelBlocks(DType type, std::int64_t columns);

  PanelBlock find(const std::byte* panel, std::int64_t block) const {
    return {panel + block * word_bytes_, panel + tails_ + block * tail_bytes_};
  }

 private:
  std::int64_t word_bytes_;  // of a block column's words
  std::int64_t tail_bytes_;  // and of its tails
  std::int64_t tails_;       // where the first of those lie
};

}  // namespace aloud
