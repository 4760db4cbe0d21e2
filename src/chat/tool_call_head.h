// The beginning of a call of a tool: from its opening tag to where its arguments begin.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "chat/tool_syntax.h"

namespace aloud {

// Longer beginnings are none. What models write is far below.
inline constexpr std::size_t kMostHeadBytes = 2048;

// Stands before the name or the arguments of DeepSeek's calls.
inline constexpr std::string_view kDeepSeekSeparator = "<｜tool▁sep｜>";

struct ToolCallHead {
  enum class Kind {
    kUnfinished,  // may become one
    kNone,        // cannot become one
    kOpen,        // arguments begin at arguments_begin
    kWhole,       // the arguments stand before the name, are text, or are missing: here they are, complete
  };
  Kind kind = Kind::kUnfinished;
  std::string name;
  std::size_t arguments_begin = 0;
  std::string arguments;  // of kWhole
  std::size_t end = 0;    // of kWhole: after what was read
};

// text begins with an opening tag, by name; tools are the names that count.
ToolCallHead read_tool_call_head(ToolSyntax syntax, std::string_view text,
                                 std::span<const std::string> tools);

// Finds the end of a JSON object by its brackets, byte by byte; does not judge what is inside.
class JsonExtent {
 public:
  // True when this byte ends the object, which begins with '{'.
  bool push(char c);
  bool in_string() const { return in_string_; }

 private:
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace aloud
