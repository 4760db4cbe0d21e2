// CHECK: a broken invariant is a bug of ours, so it ends the program with its place and its text.
#pragma once

namespace aloud {
[[noreturn]] void check_failed(const char* file, int line, const char* condition);
}  // namespace aloud

#define CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::aloud::check_failed(__FILE__, __LINE__, #condition))
