// A vocabulary for models with random weights: any text can be read with it, byte by byte.
#pragma once

#include <cstdint>
#include <string>

#include "weights/gguf_writer.h"

namespace aloud {

// Adds the tokenizer.ggml entries of a byte-level BPE without merges. Ids: the 256 bytes, words that only a
// model says
// ("w256", ...), and at the end DeepSeek's markup for turns, thoughts and ends. size: tokens, at least 300.
// pre_tokenizer: its name in files.
void put_random_vocabulary(GgufWriter& writer, std::uint32_t size, const std::string& pre_tokenizer);

}  // namespace aloud
