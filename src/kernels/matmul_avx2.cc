// matmul with AVX2.
#include "kernels/matmul_products_avx2.h"
// The code that all instruction sets share builds on the lanes.
#include "kernels/matmul_panels.h"
// What it builds on comes first.
#include "kernels/matmul_floats.h"
#include "kernels/matmul_formats_256.h"
#include "kernels/matmul_formats_32.h"
#include "kernels/matmul_quantise_avx2.h"
#include "kernels/matmul_scales.h"
#include "kernels/matmul_tiles.h"
// Last, because it names all of them.
#include "kernels/matmul_direct.h"
// Builds on that.
#include "kernels/matmul_table.h"

namespace aloud {

constinit const MatmulKernels kMatmulAvx2 = table_of_kernels<WidenedPairs>();

}  // namespace aloud
