// Events to terminal text.
#include "cli/reply_printer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/printable.h"
#include "cli/language.h"

namespace aloud {
namespace {

constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kPlain = "\x1b[0m";

// "0.04", "2.5", "12"
std::string seconds_text(double seconds) {
  if (seconds < 0.95) return fmt::format("{:.2f}", std::max(seconds, 0.01));
  return seconds < 9.95 ? fmt::format("{:.1f}", seconds) : fmt::format("{:.0f}", seconds);
}

}  // namespace

bool stdout_has_colours() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0') &&
         terminal != nullptr && std::string_view(terminal) != "dumb";
}

void ReplyPrinter::show(const Event& event) {
  std::visit([this](const auto& one) { show(one); }, event);
}

void ReplyPrinter::show(const PrefillEvent& event) {
  const std::string text =
      fmt::format("{} {}/{}", tr("reading the prompt", "正在读取提示"), event.done, event.total);
  if (event.done == event.total) {
    prefill_.reset();
  } else if (prefill_ == nullptr) {
    prefill_ = std::make_unique<Progress>(text);
  } else {
    prefill_->update(text);
  }
}

void ReplyPrinter::show(const ThoughtEvent& event) {
  if (style_.thoughts) write(printable(event.text, Lines::kKeep), true);
}

void ReplyPrinter::show(const ThoughtEndEvent& event) {
  end_line();
  const char* how = "";
  if (event.how == ThoughtEnd::kBudget) how = tr(" (its budget)", "（已达预算）");
  if (event.how == ThoughtEnd::kLoop) how = tr(" (it was repeating itself)", "（陷入重复）");
  if (event.how == ThoughtEnd::kUnfinished) how = tr(" (unfinished)", "（未完成）");
  write(fmt::format(fmt::runtime(tr("thought for {} s, {} tokens{}", "思考了 {} 秒，{} 个词元{}")),
                    seconds_text(event.seconds), event.tokens, how),
        true);
  end_line();
  write("\n", false);
}

void ReplyPrinter::show(const AnswerEvent& event) { write(printable(event.text, Lines::kKeep), false); }

void ReplyPrinter::show(const ToolCallStartEvent& event) {
  end_line();
  write(printable(event.name), false);
}

void ReplyPrinter::show(const ToolArgumentsEvent& event) {
  write(printable(event.text, Lines::kKeep), false);
}

void ReplyPrinter::finish(const Reply& reply, std::int64_t context) {
  prefill_.reset();
  end_line();
  std::string notice;
  switch (reply.finish) {
    case ReplyFinish::kStop:
    case ReplyFinish::kStopString:
    case ReplyFinish::kToolCalls:
      return;
    case ReplyFinish::kLoop:
      notice = tr("(stopped: it was repeating itself)", "（已停止：回答陷入重复）");
      break;
    case ReplyFinish::kLength:
      notice = fmt::format(fmt::runtime(tr("(stopped after {} tokens, as --max-tokens says)",
                                           "（已达 --max-tokens 上限：{} 个词元）")),
                           reply.usage.completion_tokens);
      break;
    case ReplyFinish::kContext:
      notice = fmt::format(
          fmt::runtime(tr("(the context of {} tokens is full: prompt {}, reply {}; /clear starts afresh)",
                          "（上下文 {} 个词元已满：提示 {}，回复 {}；/clear 可重新开始）")),
          context, reply.usage.prompt_tokens, reply.usage.completion_tokens);
      break;
    case ReplyFinish::kCancelled:
      notice = tr("(stopped)", "（已停止）");
      break;
  }
  // Not part of the reply, so not on stdout.
  fmt::print(stderr, "{}\n", notice);
}

// Dimming never outlives a piece: whatever ends the program leaves the terminal plain.
void ReplyPrinter::write(std::string_view text, bool dim) {
  if (text.empty()) return;
  if (style_.colours && dim) {
    fmt::print("{}{}{}", kDim, text, kPlain);
  } else {
    fmt::print("{}", text);
  }
  line_open_ = text.back() != '\n';
  std::fflush(stdout);
}

void ReplyPrinter::end_line() {
  if (line_open_) write("\n", false);
}

}  // namespace aloud
