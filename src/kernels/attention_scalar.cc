// Attention over splits for any processor.
#include "kernels/simd_scalar.h"

#include "kernels/attention_generic.h"

namespace aloud {

const AttentionKernels kAttentionScalar = kAttentionKernels;

}  // namespace aloud
