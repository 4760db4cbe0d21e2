// The vector kernels for AVX-512.
#include "kernels/simd_avx512.h"

#include "kernels/vector_generic.h"

namespace aloud {

extern const VectorKernels kVectorKernelsAvx512;
const VectorKernels kVectorKernelsAvx512 = kVectorKernels;

}  // namespace aloud
