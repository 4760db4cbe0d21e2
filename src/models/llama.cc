// The Llama family, R1's Llama distills among them. Queries and keys are permuted in the file, so pairs are
// neighbours; rope_freqs carries llama-3's scaling.
#include "models/grouped_decoder.h"

namespace aloud {

Result<DecoderParts> load_llama(const TensorLoader& tensors, const DecoderShape& shape) {
  return load_grouped_decoder(tensors, shape, {.pairing = RopePairing::kInterleaved, .head_norm = false});
}

}  // namespace aloud
