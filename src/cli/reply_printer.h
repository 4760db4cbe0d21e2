// Shows a reply while it comes: the thought dimmed, the answer plain.
#pragma once

#include <memory>
#include <string>

#include "chat/event.h"
#include "chat/reply.h"
#include "cli/progress.h"

namespace aloud {

struct PrinterStyle {
  bool colours = false;
  bool thoughts = true;  // false: only the line that says how long it took
};

// Colours where stdout is a terminal that knows them and NO_COLOR is not set.
bool stdout_has_colours();

// Writes to stdout through printable(); progress of long prompts and notices go to stderr. One reply each.
class ReplyPrinter {
 public:
  explicit ReplyPrinter(PrinterStyle style) : style_(style) {}
  void show(const Event& event);
  // After the last event: ends the line and says why the reply ended early, if it did.
  void finish(const Reply& reply, std::int64_t context);

 private:
  void show(const PrefillEvent& event);
  void show(const ThoughtEvent& event);
  void show(const ThoughtEndEvent& event);
  void show(const AnswerEvent& event);
  void show(const ToolCallStartEvent& event);
  void show(const ToolArgumentsEvent& event);
  void write(std::string_view text, bool dim);
  void end_line();

  PrinterStyle style_;
  std::unique_ptr<Progress> prefill_;
  bool line_open_ = false;
};

}  // namespace aloud
