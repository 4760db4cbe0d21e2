// aloud restore: what is stored becomes what a backup holds.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>

#include "base/printable.h"
#include "cli/command_line.h"
#include "cli/language.h"
#include "cli/options.h"
#include "store/data_folder.h"
#include "store/sqlite_backup.h"

namespace aloud {

int run_restore(int argc, char** argv) {
  std::string file;
  std::string data;
  CLI::App app(
      tr("Replaces all conversations, keys and counters by those of a backup. The backup is examined first, "
         "and what was there is kept in a file beside it.",
         "用备份替换全部对话、密钥与用量。先检查备份；原有数据保留在旁边的文件中。"),
      "aloud restore");
  app.add_option("FILE", file, tr("file that aloud backup wrote", "aloud backup 写出的文件"))->required();
  add_data_option(app, data);
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  const auto folder = data_folder(data);
  if (!folder) return report_error("restore", folder.error().message);
  const auto kept = restore_store(*folder, file);
  if (!kept) return report_error("restore", kept.error().message);
  fmt::print("{}: {}\n", printable(file), tr("restored", "已恢复"));
  if (!kept->empty())
    fmt::print("{} {}\n", tr("what was there is kept in", "原有数据保留在"), printable(*kept));
  return kExitSuccess;
}

}  // namespace aloud
