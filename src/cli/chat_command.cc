// aloud chat: a conversation in the terminal, or one answer.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "chat/spaces.h"
#include "cli/command_line.h"
#include "cli/language.h"
#include "cli/terminal_chat.h"

namespace aloud {
namespace {

// A prompt is never larger than this on stdin; it could not fit into any context.
constexpr std::size_t kMostStdinBytes = std::size_t{256} << 20;

struct ChatCommand {
  ChatSettings settings;
  std::vector<std::string> words;
  bool hide_thought = false;
  bool json = false;
};

void add_options(CLI::App& app, ChatCommand& command) {
  app.add_option("PROMPT", command.words,
                 tr("answers this once and ends; without it, and with a terminal, starts a conversation",
                    "回答一次后结束；省略且在终端中时开始对话"));
  add_model_options(app, command.settings.model);
  add_context_option(app, command.settings.context);
  add_thinking_options(app, command.settings.thinking);
  add_sampling_options(app, command.settings.sampling);
  app.add_option("--system", command.settings.system, tr("system message", "系统消息"))->type_name("TEXT");
  app.add_flag("--hide-thought", command.hide_thought,
               tr("thinks, but shows only how long", "思考，但只显示用时"));
  add_json_option(app, command.json);
  app.footer(
      tr("When stdin is not a terminal it is the prompt; with PROMPT it follows after it.\n"
         "Thought and answer go to stdout, on a terminal the thought dimmed; --json keeps them apart for "
         "programs,\n"
         "--hide-thought and --think off leave the answer alone.",
         "标准输入不是终端时即为提示；若同时给出 PROMPT，则接在其后。\n"
         "思考与回答均写到标准输出，在终端上思考以暗色显示；程序可用 --json 分别取得，\n"
         "--hide-thought 与 --think off 只留下回答。"));
}

Result<std::string> read_stdin() {
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail("stdin: {}", std::strerror(errno));
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > kMostStdinBytes) return fail("stdin: more than {} bytes", kMostStdinBytes);
  }
}

// Beside a PROMPT only what was clearly redirected is read: a program started without a terminal, but with
// nothing connected, must not wait for it.
bool stdin_is_redirected() {
  struct stat status {};
  return ::fstat(STDIN_FILENO, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISREG(status.st_mode));
}

// The prompt from words and stdin; empty means a conversation.
Result<std::string> one_prompt(const std::vector<std::string>& words) {
  std::string prompt;
  for (const std::string& word : words) prompt += (prompt.empty() ? "" : " ") + word;
  const bool wants_stdin = words.empty() ? ::isatty(STDIN_FILENO) == 0 : stdin_is_redirected();
  if (wants_stdin) {
    TRY_ASSIGN(std::string piped, read_stdin());
    while (!piped.empty() && (piped.back() == '\n' || piped.back() == '\r')) piped.pop_back();
    if (!prompt.empty() && !piped.empty()) prompt += "\n\n";
    prompt += piped;
  }
  return replace_malformed_utf8(prompt);
}

void print_json(const Reply& reply) {
  const auto rounded = [](double value) { return std::round(value * 1000) / 1000; };
  const nlohmann::ordered_json object = {
      {"thinking", reply.message.thought},
      {"answer", reply.message.content},
      {"finish_reason", std::string(name(reply.finish))},
      {"usage",
       {{"prompt_tokens", reply.usage.prompt_tokens},
        {"completion_tokens", reply.usage.completion_tokens},
        {"reasoning_tokens", reply.usage.reasoning_tokens}}},
      {"timings",
       {{"prefill_tokens_per_second", rounded(reply.timings.prefill_tokens_per_second)},
        {"decode_tokens_per_second", rounded(reply.timings.decode_tokens_per_second)},
        {"time_to_first_token_ms", rounded(reply.timings.time_to_first_token_ms)}}}};
  fmt::print("{}\n", object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

int answer_once(const ChatCommand& command, ChatModel& model, std::string prompt) {
  auto options = reply_options(command.settings, *model.loaded);
  if (!options) return report_error("chat", options.error().message, kExitUsage);
  std::vector<Message> messages = first_messages(command.settings);
  messages.push_back({Role::kUser, std::move(prompt), {}});
  Interrupts interrupts;
  ReplyPrinter printer(command.settings.style);
  const EventSink sink = [&](const Event& event) {
    if (!command.json || std::holds_alternative<PrefillEvent>(event)) printer.show(event);
  };
  const auto reply = reply_to(messages, *options, model.chat_template, model.loaded->tokenizer(),
                              *model.session, sink, &interrupts.raised());
  if (!reply) return report_error("chat", reply.error().message);
  printer.finish(*reply, model.session->context());
  if (command.json) print_json(*reply);
  if (std::fflush(stdout) != 0) return report_error("chat", fmt::format("stdout: {}", std::strerror(errno)));
  return reply->finish == ReplyFinish::kCancelled ? kExitInterrupted : kExitSuccess;
}

}  // namespace

int run_chat(int argc, char** argv) {
  CLI::App app(tr("Chats with a model in the terminal; it thinks aloud and then answers.",
                  "在终端中与模型对话：先思考，再回答。"),
               "aloud chat");
  ChatCommand command;
  add_options(app, command);
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  // What is wrong with the parameters is said before a large model is read.
  if (const auto checked = sampling_parameters(command.settings.sampling, {}, INT32_MAX); !checked) {
    return report_error("chat", checked.error().message, kExitUsage);
  }
  command.settings.style = {.colours = stdout_has_colours(), .thoughts = !command.hide_thought};

  const auto prompt = one_prompt(command.words);
  if (!prompt) return report_error("chat", prompt.error().message);
  const bool once = !command.words.empty() || ::isatty(STDIN_FILENO) == 0;
  if (once && prompt->find_first_not_of(kSpaces) == std::string::npos) {
    return report_error("chat", tr("the prompt is empty", "提示为空"), kExitUsage);
  }
  if (!once && command.json) {
    return report_error("chat", tr("--json needs a PROMPT", "--json 需要 PROMPT"), kExitUsage);
  }
  auto model = open_chat_model(command.settings.model, command.settings.context);
  if (!model) return report_error("chat", model.error().message);
  if (once) return answer_once(command, *model, *prompt);
  return TerminalChat(std::move(command.settings), std::move(*model)).run();
}

}  // namespace aloud
