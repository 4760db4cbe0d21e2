// The conversation in the terminal: reads lines, obeys commands, shows replies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/message.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/reply_printer.h"

namespace aloud {

// What `aloud chat` was told.
struct ChatSettings {
  ModelOptions model;
  std::optional<std::int64_t> context;
  ThinkingFlags thinking;
  SamplingFlags sampling;
  std::string system;  // the system message, or empty
  PrinterStyle style;
};

// The options of one reply by a model. Errors: sampling parameters out of range.
Result<ReplyOptions> reply_options(const ChatSettings& settings, const LoadedModel& model);

// The messages that a conversation begins with: the system message, if there is one.
std::vector<Message> first_messages(const ChatSettings& settings);

class TerminalChat {
 public:
  TerminalChat(ChatSettings settings, ChatModel model);

  // Until /exit, the end of input or Ctrl-C at an empty prompt. Returns the exit code.
  int run();

 private:
  struct Command;
  enum class After { kGoOn, kExit };
  static std::span<const Command> commands();

  void greet() const;
  After obey(std::string_view line);
  After help(std::string_view argument);
  After clear(std::string_view argument);
  After think(std::string_view argument);
  After model(std::string_view argument);
  After save(std::string_view argument);
  After exit(std::string_view argument);
  void answer(std::string text);
  void warn_of_full_context() const;

  ChatSettings settings_;
  ChatModel model_;
  std::vector<Message> messages_;
  std::vector<std::string> saved_;  // files of this conversation, which may be overwritten
  Interrupts interrupts_;
};

}  // namespace aloud
