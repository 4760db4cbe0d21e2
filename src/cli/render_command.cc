// aloud render: shows what a chat template makes of a context.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>

#include "base/result.h"
#include "cli/command_line.h"
#include "cli/language.h"
#include "cli/text_file.h"
#include "text/jinja.h"

namespace aloud {
namespace {

struct RenderOptions {
  std::string template_path, context_path, now;
  bool json = false;
};

// "2025-01-20T08:30", also with seconds.
Result<std::int64_t> parse_time(const std::string& text) {
  std::tm parts{};
  for (const char* format : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"}) {
    parts = {};
    const char* end = strptime(text.c_str(), format, &parts);
    if (end != nullptr && *end == '\0') return static_cast<std::int64_t>(timegm(&parts));
  }
  return fail("--now {}: expected a time such as 2025-01-20T08:30", text);
}

Result<RenderedTemplate> render(const RenderOptions& options) {
  TRY_ASSIGN(const std::string source, read_text_file(options.template_path));
  TRY_ASSIGN(const std::string context_text, read_text_file(options.context_path));
  const auto context = nlohmann::ordered_json::parse(context_text, nullptr, false);
  if (!context.is_object()) return fail("{}: not a JSON object", options.context_path);
  JinjaOptions jinja;
  if (!options.now.empty()) {
    TRY_ASSIGN(jinja.now_seconds, parse_time(options.now));
  }
  auto parsed = JinjaTemplate::parse(source);
  if (!parsed) return fail("{}: {}", options.template_path, parsed.error().message);
  return parsed->render(context, jinja);
}

std::string as_json(const RenderedTemplate& rendered) {
  nlohmann::ordered_json result;
  result["rendered"] = rendered.text;
  result["untrusted"] = nlohmann::ordered_json::array();
  for (const TextSpan& span : rendered.untrusted) result["untrusted"].push_back({span.begin, span.end});
  return result.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

int run_render(int argc, char** argv) {
  RenderOptions options;
  CLI::App app(tr("Shows what a chat template makes of a context", "显示对话模板套用上下文后的文本"),
               "aloud render");
  app.add_option("--template", options.template_path, tr("the template: a Jinja file", "模板：Jinja 文件"))
      ->required();
  app.add_option("--context", options.context_path,
                 tr("a JSON file: {\"messages\": [...], \"add_generation_prompt\": true, ...}",
                    "JSON 文件：{\"messages\": [...], \"add_generation_prompt\": true, ...}"))
      ->required();
  app.add_option(
      "--now", options.now,
      tr("the time the template sees, such as 2025-01-20T08:30", "模板看到的时间，例如 2025-01-20T08:30"));
  app.add_flag("--json", options.json,
               tr("print the text and its untrusted parts as JSON", "以 JSON 输出文本及其中不可信的部分"));
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  const Result<RenderedTemplate> rendered = render(options);
  if (!rendered) return report_error("render", rendered.error().message);
  const std::string text = options.json ? as_json(*rendered) : rendered->text;
  const bool is_written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  return is_written ? kExitSuccess : kExitFailure;
}

}  // namespace aloud
