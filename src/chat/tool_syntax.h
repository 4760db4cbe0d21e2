// How families of models write calls of tools.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "chat/tool.h"

namespace aloud {

enum class ToolSyntax {
  kHermes,  // <tool_call>{"name": ..., "arguments": {...}}</tool_call>; Qwen, and who has no syntax of its
            // own
  kLlama,   // {"name": ..., "parameters": {...}}, the whole answer, perhaps after <|python_tag|>
  kDeepSeekR1,  // <｜tool▁call▁begin｜>function<｜tool▁sep｜>NAME, the arguments in a block of code; also V3
  kDeepSeekV31  // <｜tool▁call▁begin｜>NAME<｜tool▁sep｜>{...}<｜tool▁call▁end｜>
};

// What a call consists of besides the name and the arguments.
struct CallFrame {
  std::string_view before_name;
  std::string_view before_arguments;
  std::string_view after_arguments;
  std::string_view after_calls;  // once, after the last
};

const CallFrame& call_frame(ToolSyntax syntax);

// Recognises the syntax of a call by what a template made of one; absent: none that is known.
std::optional<ToolSyntax> find_tool_syntax(std::string_view rendered_call);

// {"type": "function", "function": {"name", "description", "parameters"}}, as templates and clients have it.
nlohmann::ordered_json tool_json(const Tool& tool);
// The arguments as the object that they are, or as text where they are none. Deep nesting counts as none.
nlohmann::ordered_json arguments_json(const std::string& arguments);
// Calls as a model writes them, for templates that do not know how.
std::string written_call(ToolSyntax syntax, const ToolCall& call);
// Tells a model which tools there are and how they are called, for templates that do not.
std::string tool_instruction(ToolSyntax syntax, std::span<const Tool> tools);

}  // namespace aloud
