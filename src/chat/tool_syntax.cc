// The frames of calls, and what is said about tools where templates say nothing.
#include "chat/tool_syntax.h"

#include <fmt/format.h>

#include "base/check.h"

namespace aloud {
namespace {

using Json = nlohmann::ordered_json;

// Arguments nested deeper are kept as text: nothing that walks them needs a deep stack.
constexpr int kMostArgumentLevels = 64;

}  // namespace

const CallFrame& call_frame(ToolSyntax syntax) {
  static constexpr CallFrame kHermes = {"<tool_call>\n{\"name\": \"",
                                        "\", \"arguments\": ", "}\n</tool_call>", ""};
  static constexpr CallFrame kLlama = {"{\"name\": \"", "\", \"parameters\": ", "}", ""};
  static constexpr CallFrame kDeepSeekR1 = {
      "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>", "\n```json\n",
      "\n```<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"};
  static constexpr CallFrame kDeepSeekV31 = {"<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>", "<｜tool▁sep｜>",
                                             "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"};
  switch (syntax) {
    case ToolSyntax::kHermes:
      return kHermes;
    case ToolSyntax::kLlama:
      return kLlama;
    case ToolSyntax::kDeepSeekR1:
      return kDeepSeekR1;
    case ToolSyntax::kDeepSeekV31:
      return kDeepSeekV31;
  }
  CHECK(false);
}

std::optional<ToolSyntax> find_tool_syntax(std::string_view rendered_call) {
  const auto has = [&](std::string_view part) { return rendered_call.find(part) != std::string_view::npos; };
  if (has("function<｜tool▁sep｜>")) return ToolSyntax::kDeepSeekR1;
  if (has("<｜tool▁sep｜>")) return ToolSyntax::kDeepSeekV31;
  if (has("<tool_call>") && has("\"arguments\"")) return ToolSyntax::kHermes;
  if (has("{\"name\": \"") && has("\"parameters\": {")) return ToolSyntax::kLlama;
  return std::nullopt;
}

Json tool_json(const Tool& tool) {
  Json parameters = tool.parameters;
  if (parameters.is_null()) parameters = {{"type", "object"}, {"properties", Json::object()}};
  return {{"type", "function"},
          {"function",
           {{"name", tool.name}, {"description", tool.description}, {"parameters", std::move(parameters)}}}};
}

Json arguments_json(const std::string& arguments) {
  bool too_deep = false;
  const Json::parser_callback_t shallow = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMostArgumentLevels;
    return !too_deep;
  };
  Json parsed = Json::parse(arguments, shallow, /*allow_exceptions=*/false);
  if (too_deep || !parsed.is_object()) return arguments;
  return parsed;
}

std::string written_call(ToolSyntax syntax, const ToolCall& call) {
  const CallFrame& frame = call_frame(syntax);
  return fmt::format("{}{}{}{}{}{}", frame.before_name, call.name, frame.before_arguments,
                     call.arguments.empty() ? "{}" : call.arguments, frame.after_arguments,
                     frame.after_calls);
}

std::string tool_instruction(ToolSyntax syntax, std::span<const Tool> tools) {
  std::string text =
      "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
      "You are provided with function signatures within <tools></tools> XML tags:\n<tools>";
  for (const Tool& tool : tools) {
    text += '\n';
    text += tool_json(tool).dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  const CallFrame& frame = call_frame(syntax);
  text += fmt::format(
      "\n</tools>\n\nTo call a function, write its name and its arguments like this:\n{}{}{}{}{}{}",
      frame.before_name, "<function-name>", frame.before_arguments, "<args-json-object>",
      frame.after_arguments, frame.after_calls);
  return text;
}

}  // namespace aloud
