// Attention tiles for AVX2.
#include "kernels/simd_avx2.h"

#include "kernels/attention_generic.h"

namespace aloud {

extern const AttendTile kAttendTileAvx2;
const AttendTile kAttendTileAvx2 = attend_tile;

}  // namespace aloud
