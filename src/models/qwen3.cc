// Qwen3: queries and keys are normed per head before the rotation; small ones share embedding and output.
#include "models/grouped_decoder.h"

namespace aloud {

Result<DecoderParts> load_qwen3(const TensorLoader& tensors, const DecoderShape& shape) {
  return load_grouped_decoder(tensors, shape, {.pairing = RopePairing::kHalfSplit, .head_norm = true});
}

}  // namespace aloud
