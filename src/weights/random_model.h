// Models of known shapes with random weights: for benchmarks, without a download.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "weights/gguf_writer.h"

namespace aloud {

// "r1-distill-qwen-1.5b", ...
std::vector<std::string_view> known_shapes();

// A file ready to be written, with the metadata and tensors that such a model has, random weights and a
// vocabulary of as many tokens (random_vocabulary.h). type is an element type ("Q8_0", "BF16") or one of the
// mixes "Q3_K_M", "Q4_K_M", "Q5_K_M"; as in published files norms and routers are F32, the output matrix is
// at least Q6_K, and rows that a type's blocks do not divide take its nearest small-block type. The same
// arguments give the same bytes. Errors: an unknown shape or type, with those that are known.
Result<GgufWriter> random_model(std::string_view shape, std::string_view type, std::uint64_t seed);

}  // namespace aloud
