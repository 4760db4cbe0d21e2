// Where a text is: at the beginning of a line, inside a fenced block of code.
#pragma once

#include <string_view>

namespace aloud {

// Fed byte by byte with Markdown.
class CodeFence {
 public:
  void push(char c) {
    if (c == '\n') {
      visible_ = marks_ = 0;
      return;
    }
    if (visible_ == 0 && (c == ' ' || c == '\t' || c == '\r')) return;
    ++visible_;
    if (c == '`' || c == '~') ++marks_;
    if (visible_ == 3 && marks_ == 3) is_open_ = !is_open_;
  }

  bool is_open() const { return is_open_; }
  bool at_line_start() const { return visible_ == 0; }  // nothing but white space is on the line

 private:
  int visible_ = 0;  // bytes of the line, from its first visible one
  int marks_ = 0;    // of those
  bool is_open_ = false;
};

}  // namespace aloud
