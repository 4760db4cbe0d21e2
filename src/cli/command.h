// The table of commands: each is one file that offers one function of this type.
#pragma once

#include <span>
#include <string_view>

namespace aloud {

inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailure = 1;  // one clear line on stderr
inline constexpr int kExitUsage = 2;

struct Command {
  std::string_view name;
  std::string_view summary_en;
  std::string_view summary_zh;
  // argv[0] is the command's name. Returns the exit code.
  int (*run)(int argc, char** argv);
};

std::span<const Command> all_commands();

}  // namespace aloud
