// Reads the locale's variables.
#include "cli/language.h"

#include <cstdlib>
#include <string_view>

namespace aloud {

bool speaks_chinese() {
  for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return std::string_view(value).substr(0, 2) == "zh";
  }
  return false;
}

}  // namespace aloud
