// The vector kernels for any processor.
#include "kernels/simd_scalar.h"

#include "kernels/vector_generic.h"

namespace aloud {

extern const VectorKernels kVectorKernelsScalar;
const VectorKernels kVectorKernelsScalar = kVectorKernels;

}  // namespace aloud
