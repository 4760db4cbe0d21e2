// Finds the model file that a command asked for.
#include "cli/model_source.h"

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/printable.h"

extern "C" {
extern const std::byte aloud_default_model_begin[];
extern const std::byte aloud_default_model_end[];
}

namespace aloud {

namespace {

std::span<const std::byte> default_model() { return {aloud_default_model_begin, aloud_default_model_end}; }

}  // namespace

Result<GgufFile> open_model_file(const std::string& name) {
  if (!name.empty()) return GgufFile::open(name);
  return GgufFile::from_memory(default_model(), "the default model");
}

Result<std::int64_t> model_file_bytes(const std::string& name) {
  if (name.empty()) return std::ssize(default_model());
  std::error_code error;
  const auto bytes = std::filesystem::file_size(name, error);
  if (error) return fail("{}: {}", printable(name), error.message());
  return static_cast<std::int64_t>(bytes);
}

}  // namespace aloud
