// From --model to an open model file: a path, or the default model that is part of the program.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "weights/gguf.h"

namespace aloud {

// name: a path, or empty for the embedded default model.
Result<GgufFile> open_model_file(const std::string& name);
// How large that is. Errors: the file cannot be read.
Result<std::int64_t> model_file_bytes(const std::string& name);

}  // namespace aloud
