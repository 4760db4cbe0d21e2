// What a chat template makes of tools, found out by trying, and messages put as it can take them.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chat/message.h"
#include "chat/tool_syntax.h"

namespace aloud {

struct ToolSupport {
  bool shows_tools = false;       // the variable "tools" is printed
  bool shows_calls = false;       // past calls and their results are printed, in a syntax that is known
  bool wants_no_content = false;  // an assistant that only calls must have the content None
  bool wants_text = false;        // arguments must be text
  bool takes_content = false;     // an assistant may talk and call in one message
  bool takes_many = false;        // and call several tools
  ToolSyntax syntax = ToolSyntax::kHermes;
};

// Renders messages and tools (null: none), both as templates get them; absent when the template refuses.
using TryTemplate =
    std::function<std::optional<std::string>(nlohmann::ordered_json messages, nlohmann::ordered_json tools)>;

ToolSupport find_tool_support(const TryTemplate& render);

// Messages and tools as the template gets them. What it cannot show is put into words: tools as an
// instruction of the system, calls as text of the assistant, results as messages of the user.
struct TemplateInput {
  nlohmann::ordered_json messages;
  nlohmann::ordered_json tools;  // null: none
};
TemplateInput template_input(const ToolSupport& support, std::span<const Message> messages,
                             std::span<const Tool> tools);

}  // namespace aloud
