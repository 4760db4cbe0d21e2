// Finds the model file that a command asked for.
#include "cli/model_source.h"

#include <cstddef>
#include <span>

extern "C" {
extern const std::byte aloud_default_model_begin[];
extern const std::byte aloud_default_model_end[];
}

namespace aloud {

Result<GgufFile> open_model_file(const std::string& name) {
  if (!name.empty()) return GgufFile::open(name);
  const std::span<const std::byte> bytes(aloud_default_model_begin, aloud_default_model_end);
  return GgufFile::from_memory(bytes, "the default model");
}

}  // namespace aloud
