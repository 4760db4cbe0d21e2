// Attention tiles for AVX-512.
#include "kernels/simd_avx512.h"

#include "kernels/attention_generic.h"

namespace aloud {

extern const AttendTile kAttendTileAvx512;
const AttendTile kAttendTileAvx512 = attend_tile;

}  // namespace aloud
