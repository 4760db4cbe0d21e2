// Picks the vector kernels of an instruction set.
#include "kernels/vector.h"

namespace aloud {

extern const VectorKernels kVectorKernelsScalar;
extern const VectorKernels kVectorKernelsAvx2;
extern const VectorKernels kVectorKernelsAvx512;

const VectorKernels& vector_kernels(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return kVectorKernelsAvx512;
    case Isa::kAvxVnni:
    case Isa::kAvx2:
      return kVectorKernelsAvx2;
    case Isa::kScalar:
      break;
  }
  return kVectorKernelsScalar;
}

}  // namespace aloud
