// The end of a program whose invariant broke.
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace aloud {

void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace aloud
