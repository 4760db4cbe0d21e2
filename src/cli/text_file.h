// Small files that options name.
#pragma once

#include <string>

#include "base/result.h"

namespace aloud {

// All of it. Errors: it is not there, it is a folder, it cannot be read.
Result<std::string> read_text_file(const std::string& path);

}  // namespace aloud
