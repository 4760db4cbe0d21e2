// Attention over splits for AVX-512.
#include "kernels/simd_avx512.h"

#include "kernels/attention_generic.h"

namespace aloud {

const AttentionKernels kAttentionAvx512 = kAttentionKernels;

}  // namespace aloud
