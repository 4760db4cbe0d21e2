// Qwen2 and Qwen2.5, R1's Qwen distills among them: biases on queries, keys and values (they are in the
// file).
#include "models/grouped_decoder.h"

namespace aloud {

Result<DecoderParts> load_qwen2(const TensorLoader& tensors, const DecoderShape& shape) {
  return load_grouped_decoder(tensors, shape, {.pairing = RopePairing::kHalfSplit, .head_norm = false});
}

}  // namespace aloud
