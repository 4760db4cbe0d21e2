// The program: picks a command by name and runs it.
#include <fmt/format.h>

#include <cstdio>
#include <string_view>

#include "base/printable.h"
#include "cli/command.h"
#include "cli/language.h"

namespace {

void print_help(std::FILE* file) {
  using aloud::tr;
  fmt::print(file, "{}\n\n", tr("usage: aloud COMMAND [OPTIONS]", "用法：aloud 命令 [选项]"));
  for (const aloud::Command& command : aloud::all_commands()) {
    fmt::print(file, "  {:<10} {}\n", command.name,
               aloud::speaks_chinese() ? command.summary_zh : command.summary_en);
  }
  fmt::print(
      file, "\n{}\n",
      tr("aloud COMMAND --help tells the options of a command.", "aloud 命令 --help 显示该命令的选项。"));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    print_help(stderr);
    return aloud::kExitUsage;
  }
  const std::string_view name = argv[1];
  if (name == "--help" || name == "-h" || name == "help") {
    print_help(stdout);
    return aloud::kExitSuccess;
  }
  for (const aloud::Command& command : aloud::all_commands()) {
    if (command.name == name) return command.run(argc - 1, argv + 1);
  }
  fmt::print(stderr, "aloud: {}: {}\n", aloud::printable(name),
             aloud::tr("unknown command; aloud --help lists them", "未知命令；aloud --help 列出全部命令"));
  return aloud::kExitUsage;
}
