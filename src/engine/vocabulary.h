// The tokenizer of a model file.
#pragma once

#include <memory>

#include "base/result.h"
#include "text/tokenizer.h"
#include "weights/gguf.h"

namespace aloud {

// Reads the tokenizer.ggml.* metadata. The result does not refer to file. Errors name the file and the key: a
// tokenizer other than byte-level BPE ("gpt2"), arrays that are missing or of the wrong kind, token numbers
// outside the vocabulary, and what Tokenizer::create() refuses.
Result<std::unique_ptr<Tokenizer>> load_tokenizer(const GgufFile& file);

}  // namespace aloud
