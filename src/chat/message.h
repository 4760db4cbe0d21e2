// What is said in a conversation, and by whom.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat/tool.h"

namespace aloud {

enum class Role { kSystem, kUser, kAssistant, kTool };

// "system", "user", "assistant", "tool"
constexpr std::string_view name(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kUser:
      return "user";
    case Role::kTool:
      return "tool";
    case Role::kAssistant:
      break;
  }
  return "assistant";
}

struct Message {
  Role role = Role::kUser;
  std::string content;  // UTF-8; of an assistant: the answer without the thought; of a tool: its result
  std::string thought;  // of an assistant; empty where there was none
  std::vector<ToolCall> tool_calls;  // of an assistant
  std::string tool_call_id;          // of a tool: the call that it answers
  std::string name;                  // of a tool; may be empty
};

}  // namespace aloud
