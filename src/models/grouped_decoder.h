// What llama, qwen2 and qwen3 share: grouped-query attention and dense feed-forward blocks in every layer.
#pragma once

#include "models/decoder.h"
#include "models/grouped_attention.h"

namespace aloud {

struct GroupedDecoderTraits {
  RopePairing pairing = RopePairing::kInterleaved;
  bool head_norm = false;
};

Result<DecoderParts> load_grouped_decoder(const TensorLoader& tensors, const DecoderShape& shape,
                                          const GroupedDecoderTraits& traits);

}  // namespace aloud
