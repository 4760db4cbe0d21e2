// Lets CLI11 read the words, and says in the house's own way what it found.
#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <string>

#include "base/printable.h"
#include "cli/language.h"

namespace aloud {
namespace {

// Of a command and of its actions.
void translate_headings(CLI::App& app) {
  app.set_help_flag("-h,--help", tr("this help", "显示本帮助"));
  for (CLI::Option* option : app.get_options()) {
    if (option->get_group() == "Options") option->group(tr("Options", "选项"));
  }
  for (CLI::App* action : app.get_subcommands([](CLI::App*) { return true; })) translate_headings(*action);
}

std::string command_name(const CLI::App& app) {
  std::string name = app.get_name();
  if (name.starts_with("aloud ")) name.erase(0, 6);
  return name;
}

// CLI11 names neither the file nor what is wrong with the line.
std::string config_complaint(CLI::App& app, std::string_view what) {
  constexpr std::string_view kUnknown = "INI was not able to parse ";
  if (!what.starts_with(kUnknown)) return std::string(what);
  return fmt::format("{}: there is no option {:?}", app.get_config_ptr()->as<std::string>(),
                     what.substr(kUnknown.size()));
}

}  // namespace

std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv) {
  translate_headings(app);
  const auto formatter = app.get_formatter();
  formatter->label("Usage", tr("usage", "用法"));
  formatter->label("OPTIONS", tr("OPTIONS", "选项"));
  formatter->label("Positionals", tr("Arguments", "参数"));
  formatter->label("REQUIRED", tr("(required)", "（必填）"));
  formatter->label("Excludes", tr("not with", "不可同用"));
  formatter->label("Needs", tr("only with", "须同用"));
  formatter->label("SUBCOMMAND", tr("ACTION", "操作"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return kExitSuccess;
  } catch (const CLI::ConfigError& error) {
    return report_error(command_name(app), config_complaint(app, error.what()), kExitUsage);
  } catch (const CLI::ParseError& error) {
    return report_error(command_name(app), error.what(), kExitUsage);
  }
  return std::nullopt;
}

int report_error(std::string_view command, std::string_view message, int code) {
  fmt::print(stderr, "aloud {}: {}\n", command, printable(message));
  return code;
}

}  // namespace aloud
