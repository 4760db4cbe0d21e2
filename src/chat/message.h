// What is said in a conversation, and by whom.
#pragma once

#include <string>
#include <string_view>

namespace aloud {

enum class Role { kSystem, kUser, kAssistant };

// "system", "user", "assistant"
constexpr std::string_view name(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      break;
  }
  return "assistant";
}

struct Message {
  Role role = Role::kUser;
  std::string content;  // UTF-8; of an assistant: the answer without the thought
  std::string thought;  // of an assistant; empty where there was none
};

}  // namespace aloud
