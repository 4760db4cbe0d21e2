// The loop of the terminal chat and its commands.
#include "cli/terminal_chat.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "base/printable.h"
#include "base/utf8.h"
#include "cli/command_line.h"
#include "cli/language.h"
#include "cli/line_editor.h"
#include "cli/model_source.h"
#include "cli/transcript.h"

namespace aloud {
namespace {

// From this share of the context on, the prompt says how full it is.
constexpr std::int64_t kWarnPercent = 80;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

void say(std::string_view text) {
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

void complain(std::string_view text) { report_error("chat", text); }

// "2.6 M"
std::string parameters_text(std::int64_t count) {
  const auto value = static_cast<double>(count);
  return count >= 1'000'000'000 ? fmt::format("{:.1f} G", value / 1e9) : fmt::format("{:.1f} M", value / 1e6);
}

}  // namespace

Result<ReplyOptions> reply_options(const ChatSettings& settings, const LoadedModel& model) {
  ReplyOptions options;
  TRY_ASSIGN(options.sampling,
             sampling_parameters(settings.sampling, model.sampling(), model.tokenizer().size()));
  options.thinking = thinking_options(settings.thinking);
  options.max_tokens = settings.thinking.max_tokens;
  options.stops = settings.sampling.stops;
  return options;
}

std::vector<Message> first_messages(const ChatSettings& settings) {
  std::vector<Message> messages;
  if (!settings.system.empty())
    messages.push_back({Role::kSystem, replace_malformed_utf8(settings.system), {}});
  return messages;
}

struct TerminalChat::Command {
  std::string_view name;
  std::string_view argument;
  const char* help_en;
  const char* help_zh;
  After (TerminalChat::*run)(std::string_view argument);
};

std::span<const TerminalChat::Command> TerminalChat::commands() {
  static constexpr Command kCommands[] = {
      {"/help", "", "this list", "显示此列表", &TerminalChat::help},
      {"/clear", "", "forgets the conversation", "清空对话", &TerminalChat::clear},
      {"/think", "[on|off|N]", "thinks, does not, or at most N tokens", "思考、不思考，或至多 N 个词元",
       &TerminalChat::think},
      {"/model", "[FILE]", "names the model, or goes on with another", "显示模型，或换用另一个",
       &TerminalChat::model},
      {"/save", "[FILE]", "writes the conversation (Markdown, or JSON for *.json)",
       "保存对话（Markdown；*.json 则为 JSON）", &TerminalChat::save},
      {"/exit", "", "ends the program; so does Ctrl-D", "退出；Ctrl-D 亦可", &TerminalChat::exit},
  };
  return kCommands;
}

TerminalChat::TerminalChat(ChatSettings settings, ChatModel model)
    : settings_(std::move(settings)), model_(std::move(model)), messages_(first_messages(settings_)) {}

int TerminalChat::run() {
  LineEditor editor(history_path(), interrupts_);
  greet();
  for (;;) {
    interrupts_.clear();
    LineEditor::Line line = editor.read("> ");
    if (line.outcome == LineEditor::Outcome::kEnd) return kExitSuccess;
    if (line.outcome == LineEditor::Outcome::kInterrupted) {
      if (line.was_empty) return kExitSuccess;
      continue;
    }
    const std::string_view text = trimmed(line.text);
    if (text.empty()) continue;
    if (text.front() == '/') {
      if (obey(text) == After::kExit) return kExitSuccess;
    } else {
      answer(replace_malformed_utf8(line.text));
    }
  }
}

void TerminalChat::greet() const {
  const ModelShape& shape = model_.loaded->model().shape();
  say(fmt::format(fmt::runtime(tr("{} ({}, {} parameters), context {} tokens\n/help lists the commands",
                                  "{}（{}，{} 参数），上下文 {} 个词元\n/help 列出命令")),
                  printable(model_.loaded->name()), printable(shape.architecture),
                  parameters_text(shape.parameters), model_.loaded->context()));
  if (settings_.model.model.empty()) {
    say(tr("the built-in model does sums; to it every question is the first",
           "内置模型只会算术；每个问题它都当作第一个"));
  }
}

TerminalChat::After TerminalChat::obey(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view name = line.substr(0, space);
  const std::string_view argument = space == std::string_view::npos ? "" : trimmed(line.substr(space));
  for (const Command& command : commands()) {
    if (command.name == name) return (this->*command.run)(argument);
  }
  complain(
      fmt::format("{}: {}", name, tr("unknown command; /help lists them", "未知命令；/help 列出全部命令")));
  return After::kGoOn;
}

TerminalChat::After TerminalChat::help(std::string_view) {
  for (const Command& command : commands()) {
    say(fmt::format("  {:<19}{}", fmt::format("{} {}", command.name, command.argument),
                    tr(command.help_en, command.help_zh)));
  }
  say(
      tr("Ctrl-C stops a reply and keeps what is there; at an empty prompt, or twice,\n"
         "it ends the program. A line that ends in \\ goes on in the next; pasted text\n"
         "stays together.",
         "Ctrl-C 停止回复并保留已有内容；在空提示处或连按两次则退出。\n以 \\ "
         "结尾的行可续行；粘贴的多行文本保持完整。"));
  return After::kGoOn;
}

TerminalChat::After TerminalChat::clear(std::string_view) {
  messages_ = first_messages(settings_);
  saved_.clear();
  say(tr("(a new conversation)", "（新对话）"));
  return After::kGoOn;
}

TerminalChat::After TerminalChat::think(std::string_view argument) {
  ThinkingFlags& flags = settings_.thinking;
  std::int64_t tokens = 0;
  const auto number = std::from_chars(argument.data(), argument.data() + argument.size(), tokens);
  if (argument == "on" || argument == "off") {
    flags.think = argument;
    if (argument == "on") {
      flags.think_tokens.reset();
      flags.effort.clear();
    }
  } else if (number.ec == std::errc() && number.ptr == argument.data() + argument.size() && tokens >= 0) {
    flags.think = "on";
    flags.think_tokens = tokens;
  } else if (!argument.empty()) {
    complain(tr("/think takes on, off or a number of tokens", "/think 的参数为 on、off 或词元数"));
    return After::kGoOn;
  }
  const ThinkingOptions now = thinking_options(flags);
  say(!now.enabled ? tr("thinking: off", "思考：关闭")
      : now.budget_tokens
          ? fmt::format(fmt::runtime(tr("thinking: at most {} tokens", "思考：至多 {} 个词元")),
                        *now.budget_tokens)
          : tr("thinking: on", "思考：开启"));
  return After::kGoOn;
}

TerminalChat::After TerminalChat::model(std::string_view argument) {
  if (argument.empty()) {
    greet();
    return After::kGoOn;
  }
  // A name that cannot be opened must not cost the model that is here; but two models may not fit side by
  // side.
  ModelOptions wanted = settings_.model;
  wanted.model = argument;
  if (const auto file = open_model_file(wanted.model); !file) {
    complain(file.error().message);
    return After::kGoOn;
  }
  model_.session.reset();
  model_.loaded.reset();
  auto opened = open_chat_model(wanted, settings_.context);
  if (opened && !reply_options(settings_, *opened->loaded)) {
    opened = fail("{}", reply_options(settings_, *opened->loaded).error().message);
  }
  if (opened) {
    settings_.model = wanted;
  } else {
    complain(opened.error().message);
    opened = open_chat_model(settings_.model, settings_.context);
    if (!opened) {
      complain(opened.error().message);
      return After::kExit;
    }
  }
  model_ = std::move(*opened);
  greet();
  return After::kGoOn;
}

TerminalChat::After TerminalChat::save(std::string_view argument) {
  const std::string path = argument.empty() ? transcript_name() : std::string(argument);
  const bool ours = std::find(saved_.begin(), saved_.end(), path) != saved_.end();
  if (const Status saved = save_transcript(path, messages_, ours); !saved) {
    complain(saved.error().message);
    return After::kGoOn;
  }
  if (!ours) saved_.push_back(path);
  say(fmt::format("{} {}", tr("saved:", "已保存："), printable(path)));
  return After::kGoOn;
}

TerminalChat::After TerminalChat::exit(std::string_view) { return After::kExit; }

void TerminalChat::answer(std::string text) {
  messages_.push_back({Role::kUser, std::move(text), {}});
  auto options = reply_options(settings_, *model_.loaded);
  ReplyPrinter printer(settings_.style);
  const EchoOff echo_off;
  auto reply =
      options ? reply_to(
                    messages_, *options, model_.chat_template, model_.loaded->tokenizer(), *model_.session,
                    [&](const Event& event) { printer.show(event); }, &interrupts_.raised())
              : Result<Reply>(pass_error(std::move(options)));
  if (!reply) {
    messages_.pop_back();  // the conversation is as it was: one may shorten the message or /clear
    complain(reply.error().message);
    if (messages_.size() > first_messages(settings_).size()) {
      complain(tr("/clear starts a new conversation", "/clear 可开始新对话"));
    }
    return;
  }
  printer.finish(*reply, model_.session->context());
  if (reply->message.content.empty() && reply->message.thought.empty()) {
    messages_.pop_back();  // stopped before there was anything to keep
  } else {
    messages_.push_back(std::move(reply->message));
  }
  if (reply->finish != ReplyFinish::kContext) warn_of_full_context();
  say("");
}

void TerminalChat::warn_of_full_context() const {
  const std::int64_t used = model_.session->length();
  const std::int64_t context = model_.session->context();
  if (used * 100 < context * kWarnPercent) return;
  fmt::print(stderr,
             fmt::runtime(tr("({} of {} tokens of the context are used; /clear starts afresh)\n",
                             "（上下文已用 {} / {} 个词元；/clear 可重新开始）\n")),
             used, context);
}

}  // namespace aloud
