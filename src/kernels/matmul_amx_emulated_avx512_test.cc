// The products for AMX, with registers that are arrays: for machines that have AVX-512 but no AMX.
#include "kernels/matmul_products_avx512.h"
// The code that all instruction sets share builds on the lanes.
#include "kernels/matmul_panels.h"
// What it builds on comes first.
#include "kernels/matmul_formats_256.h"
#include "kernels/matmul_formats_32.h"
#include "kernels/matmul_scales.h"
#include "kernels/matmul_tiles.h"
// Last, because it names all of them.
#include "kernels/matmul_amx_testing.h"
#include "kernels/matmul_direct.h"

namespace aloud {
namespace {

constexpr int kAmxBytes = 64;

struct EmulatedRegister {
  std::uint8_t row[16][kAmxBytes];
};
EmulatedRegister registers[8];

void shape_registers() {}

template <int kRegister>
void amx_clear() {
  registers[kRegister] = {};
}
template <int kRegister, int kAt>
void amx_load(const void* from, std::int64_t stride) {
  for (int i = 0; i < 16; ++i)
    __builtin_memcpy(registers[kRegister].row[i], static_cast<const std::byte*>(from) + kAt + i * stride,
                     kAmxBytes);
}
template <int kRegister>
void amx_store(void* to) {
  __builtin_memcpy(to, registers[kRegister].row, sizeof registers[kRegister].row);
}
template <int kSums, int kX, int kWeights, bool kSigned>
void amx_multiply() {
  auto* const sums = reinterpret_cast<std::int32_t(*)[16]>(registers[kSums].row);
  for (int m = 0; m < 16; ++m) {
    for (int k = 0; k < kAmxBytes; ++k) {
      const int x = static_cast<std::int8_t>(registers[kX].row[m][k]);
      for (int n = 0; n < 16; ++n) {
        const std::uint8_t byte = registers[kWeights].row[k / 4][4 * n + k % 4];
        sums[m][n] += x * (kSigned ? static_cast<std::int8_t>(byte) : int{byte});
      }
    }
  }
}

}  // namespace
}  // namespace aloud

#include "kernels/matmul_amx.h"

namespace aloud {

const PanelFormat* emulated_amx_format(DType type) { return find_amx_format(type, kFewestAmxColumns); }

void emulated_amx_multiply(const TileFormat& format, const TileProduct& product) {
  multiply_with_amx(format, product);
}

}  // namespace aloud
