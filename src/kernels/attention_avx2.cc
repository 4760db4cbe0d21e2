// Attention over splits for AVX2.
#include "kernels/simd_avx2.h"

#include "kernels/attention_generic.h"

namespace aloud {

const AttentionKernels kAttentionAvx2 = kAttentionKernels;

}  // namespace aloud
