// Reads a file into a string.
#include "cli/text_file.h"

#include <fstream>
#include <iterator>

#include "base/printable.h"

namespace aloud {

Result<std::string> read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  // A folder opens but does not read.
  if (!file.is_open() || file.bad()) return fail("{}: cannot be read", printable(path));
  return text;
}

}  // namespace aloud
