// Tries a template on small conversations; changes messages only where that showed that it must.
#include "chat/template_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace aloud {
namespace {

using Json = nlohmann::ordered_json;

Json call_json(const ToolSupport& support, const ToolCall& call) {
  Json arguments = support.wants_text ? Json(call.arguments) : arguments_json(call.arguments);
  return {{"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", std::move(arguments)}}}};
}

Json message_json(const ToolSupport& support, const Message& message) {
  Json json = {{"role", std::string(name(message.role))}, {"content", message.content}};
  if (!message.thought.empty()) json["reasoning_content"] = message.thought;
  if (!message.tool_calls.empty()) {
    if (message.content.empty() && support.wants_no_content) json["content"] = nullptr;
    Json calls = Json::array();
    for (const ToolCall& call : message.tool_calls) calls.push_back(call_json(support, call));
    json["tool_calls"] = std::move(calls);
  }
  if (message.role == Role::kTool) {
    json["tool_call_id"] = message.tool_call_id;
    if (!message.name.empty()) json["name"] = message.name;
  }
  return json;
}

// Every call in a message of its own, each followed by its result.
void apart(const Message& message, std::vector<Message>& results, std::vector<Message>& out) {
  for (const ToolCall& call : message.tool_calls) {
    Message one = message;
    one.tool_calls = {call};
    if (&call != &message.tool_calls.front()) one.content = one.thought = {};
    out.push_back(std::move(one));
    const auto result = std::ranges::find(results, call.id, &Message::tool_call_id);
    if (result == results.end()) continue;
    out.push_back(std::move(*result));
    results.erase(result);
  }
}

std::vector<Message> one_call_each(std::span<const Message> messages) {
  std::vector<Message> out;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    if (messages[i].tool_calls.size() < 2) {
      out.push_back(messages[i]);
      continue;
    }
    std::size_t end = i + 1;
    while (end < messages.size() && messages[end].role == Role::kTool) ++end;
    std::vector<Message> results(messages.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                 messages.begin() + static_cast<std::ptrdiff_t>(end));
    apart(messages[i], results, out);
    std::ranges::move(results, std::back_inserter(out));
    i = end - 1;
  }
  return out;
}

std::vector<Message> talk_before_calls(std::span<const Message> messages) {
  std::vector<Message> out;
  for (const Message& message : messages) {
    out.push_back(message);
    if (message.tool_calls.empty() || message.content.empty()) continue;
    out.back().tool_calls.clear();
    out.push_back({.role = Role::kAssistant, .tool_calls = message.tool_calls});
  }
  return out;
}

std::vector<Message> calls_as_text(ToolSyntax syntax, std::span<const Message> messages) {
  std::vector<Message> out;
  bool after_result = false;
  for (const Message& message : messages) {
    if (message.role != Role::kTool) {
      out.push_back(message);
      out.back().tool_calls.clear();
      std::string& content = out.back().content;
      for (const ToolCall& call : message.tool_calls) {
        if (!content.empty()) content += '\n';
        content += written_call(syntax, call);
      }
    } else {
      if (!after_result) out.push_back({.role = Role::kUser});
      out.back().content +=
          fmt::format("{}<tool_response>\n{}\n</tool_response>", after_result ? "\n" : "", message.content);
    }
    after_result = message.role == Role::kTool;
  }
  return out;
}

void add_to_system(std::string instruction, std::vector<Message>& messages) {
  if (messages.empty() || messages.front().role != Role::kSystem) {
    messages.insert(messages.begin(), {.role = Role::kSystem, .content = std::move(instruction)});
  } else {
    std::string& content = messages.front().content;
    if (!content.empty()) content += "\n\n";
    content += instruction;
  }
}

// Words that a template has no other reason to print.
constexpr std::string_view kToolName = "probe_of_a_tool", kArgument = "probe_of_an_argument",
                           kResult = "probe_of_a_result", kTalk = "probe_of_talk";

struct Probe {
  const TryTemplate& render;

  // What the template makes of a call and its result; absent unless everything is there.
  std::optional<std::string> call(const ToolSupport& support, std::string_view talk, int calls) const {
    Message assistant{.role = Role::kAssistant, .content = std::string(talk)};
    for (int i = 0; i < calls; ++i) {
      assistant.tool_calls.push_back({"call00000", std::string(kToolName) + static_cast<char>('0' + i),
                                      "{\"a\": \"" + std::string(kArgument) + "\"}"});
    }
    const Message user{.content = "hi"};
    const Message result{.role = Role::kTool,
                         .content = std::string(kResult),
                         .tool_call_id = "call00000",
                         .name = std::string(kToolName)};
    const Json list = Json::array(
        {message_json(support, user), message_json(support, assistant), message_json(support, result)});
    const auto text = render(list, nullptr);
    if (!text || !has(*text, kArgument) || !has(*text, kResult) || !has(*text, talk)) return std::nullopt;
    for (const ToolCall& call : assistant.tool_calls)
      if (!has(*text, call.name)) return std::nullopt;
    return text;
  }

  bool tools() const {
    const Tool tool{.name = std::string(kToolName), .description = std::string(kArgument)};
    const auto text =
        render(Json::array({message_json({}, {.content = "hi"})}), Json::array({tool_json(tool)}));
    return text && has(*text, kToolName) && has(*text, kArgument);
  }

  static bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
  }
};

}  // namespace

ToolSupport find_tool_support(const TryTemplate& render) {
  const Probe probe{render};
  ToolSupport support;
  support.shows_tools = probe.tools();
  // As Python programs call templates first: arguments are objects, and there is no content.
  for (const bool text : {false, true}) {
    for (const bool no_content : {true, false}) {
      support.wants_text = text;
      support.wants_no_content = no_content;
      const auto rendered = probe.call(support, "", 1);
      const auto syntax = rendered ? find_tool_syntax(*rendered) : std::nullopt;
      if (!syntax) continue;
      support.shows_calls = true;
      support.syntax = *syntax;
      support.takes_content = probe.call(support, kTalk, 1).has_value();
      support.takes_many = probe.call(support, "", 2).has_value();
      return support;
    }
  }
  // Whoever shows tools but not calls expects calls that nobody here could read.
  support.shows_tools = false;
  return support;
}

TemplateInput template_input(const ToolSupport& support, std::span<const Message> messages,
                             std::span<const Tool> tools) {
  std::vector<Message> fitting(messages.begin(), messages.end());
  if (!support.shows_calls) {
    fitting = calls_as_text(support.syntax, fitting);
  } else {
    if (!support.takes_content) fitting = talk_before_calls(fitting);
    if (!support.takes_many) fitting = one_call_each(fitting);
  }
  if (!support.shows_tools && !tools.empty()) add_to_system(tool_instruction(support.syntax, tools), fitting);

  TemplateInput input{.messages = Json::array(), .tools = nullptr};
  for (const Message& message : fitting) input.messages.push_back(message_json(support, message));
  if (support.shows_tools && !tools.empty()) {
    input.tools = Json::array();
    for (const Tool& tool : tools) input.tools.push_back(tool_json(tool));
  }
  return input;
}

}  // namespace aloud
