// Fuzz target: any bytes as a GGUF file; what opens is read to its last byte.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "weights/gguf.h"
#include "weights/gguf_testing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = aloud::GgufFile::from_memory({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
  if (file) aloud::touch_everything(*file);
  return 0;
}
