// aloud backup: a copy of everything that is stored, while it is in use.
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

int run_backup(int argc, char** argv) {
  std::string file;
  std::string data;
  CLI::App app(
      tr("Writes a copy of all conversations, keys and counters to a new file; a server may go on meanwhile.",
         "将全部对话、密钥与用量备份到新文件；备份时服务可继续运行。"),
      "aloud backup");
  app.add_option("FILE", file, tr("file to write; it must not be there yet", "要写入的文件；必须尚不存在"))
      ->required();
  add_data_option(app, data);
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  const auto folder = data_folder(data);
  if (!folder) return report_error("backup", folder.error().message);
  if (const Status written = backup_store(*folder, file); !written) {
    return report_error("backup", written.error().message);
  }
  fmt::print("{}: {}\n", printable(file), tr("written", "已写入"));
  return kExitSuccess;
}

}  // namespace aloud
