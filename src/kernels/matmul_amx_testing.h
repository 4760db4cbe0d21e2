// The products for AMX on emulated registers, for tests on any machine with AVX-512. Not for several threads.
#pragma once

#include "kernels/matmul_kernels.h"

namespace aloud {

// For many columns.
const PanelFormat* emulated_amx_format(DType type);
void emulated_amx_multiply(const TileFormat& format, const TileProduct& product);

}  // namespace aloud
