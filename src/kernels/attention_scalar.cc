// Attention tiles for any processor.
#include "kernels/simd_scalar.h"

#include "kernels/attention_generic.h"

namespace aloud {

extern const AttendTile kAttendTileScalar;
const AttendTile kAttendTileScalar = attend_tile;

}  // namespace aloud
