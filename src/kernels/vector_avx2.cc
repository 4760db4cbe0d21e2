// The vector kernels for AVX2.
#include "kernels/simd_avx2.h"

#include "kernels/vector_generic.h"

namespace aloud {

extern const VectorKernels kVectorKernelsAvx2;
const VectorKernels kVectorKernelsAvx2 = kVectorKernels;

}  // namespace aloud
