// aloud eval: accuracy of a model on problems whose answers can be checked.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/utf8.h"
#include "chat/answer.h"
#include "cli/command_line.h"
#include "cli/interrupt.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/problems.h"

namespace aloud {
namespace {

struct EvalCommand {
  ModelOptions model;
  std::optional<std::int64_t> context;
  ThinkingFlags thinking;
  std::string problems;
  std::int64_t first = 0;  // 0: all
  bool show_failures = false;
  bool json = false;
};

struct Tally {
  std::int64_t problems = 0;
  std::int64_t correct = 0;
  std::int64_t thinking_tokens = 0;

  double accuracy() const { return static_cast<double>(correct) / static_cast<double>(problems); }
};

void add_options(CLI::App& app, EvalCommand& command) {
  add_model_options(app, command.model);
  add_context_option(app, command.context);
  add_thinking_options(app, command.thinking);
  app.add_option("--problems", command.problems,
                 tr("file of lines {\"prompt\": ..., \"answer\": ...}",
                    "文件，每行 {\"prompt\": ..., \"answer\": ...}"))
      ->type_name("FILE.jsonl")
      ->required();
  app.add_option("--first", command.first, tr("only the first N problems", "只做前 N 题"))
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1} << 40).description(""));
  app.add_flag("--failures", command.show_failures,
               tr("each problem that was answered wrongly, on stderr", "在标准错误上列出每道错题"));
  add_json_option(app, command.json);
  app.footer(
      tr("Answers greedily. An answer counts when the number or text that the reply boxes (\\boxed{...})\n"
         "or sets bold (**...**) last is exactly the one expected.",
         "贪心解码。回答中最后一个方框（\\boxed{...}）或粗体（**...**）的内容与期望答案完全一致即为正确。"));
}

// Shows how far it is: on a terminal all the time, elsewhere at every tenth.
void show_progress(const Tally& tally, std::int64_t total, bool terminal) {
  if (!terminal && tally.problems * 10 / total == (tally.problems - 1) * 10 / total) return;
  fmt::print(stderr, "{}{}/{}  {} {}{}", terminal ? "\r\x1b[K" : "", tally.problems, total,
             tr("correct", "正确"), tally.correct, terminal ? "" : "\n");
  std::fflush(stderr);
}

Result<Tally> evaluate(const EvalCommand& command, ChatModel& model, std::span<const Problem> problems,
                       const std::atomic<bool>& cancel) {
  ReplyOptions options;
  options.sampling.temperature = 0;
  options.thinking = thinking_options(command.thinking);
  options.max_tokens = command.thinking.max_tokens;
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  Tally tally;
  for (const Problem& problem : problems) {
    const Message question{Role::kUser, replace_malformed_utf8(problem.prompt), {}};
    TRY_ASSIGN(const Reply reply, reply_to({&question, 1}, options, model.chat_template,
                                           model.loaded->tokenizer(), *model.session, {}, &cancel));
    if (reply.finish == ReplyFinish::kCancelled) return fail("stopped after {} problems", tally.problems);
    const auto answer = marked_answer(reply.message.content);
    const bool correct = answer == problem.answer;
    ++tally.problems;
    tally.correct += correct ? 1 : 0;
    tally.thinking_tokens += reply.usage.reasoning_tokens;
    if (!correct && command.show_failures) {
      fmt::print(stderr, "{}{}  {} {}, {} {}\n", terminal ? "\r\x1b[K" : "", printable(problem.prompt),
                 tr("expected", "期望"), printable(problem.answer), tr("got", "得到"),
                 answer ? printable(*answer) : tr("none", "无"));
    }
    show_progress(tally, static_cast<std::int64_t>(problems.size()), terminal);
  }
  if (terminal) fmt::print(stderr, "\r\x1b[K");
  return tally;
}

void print_tally(const Tally& tally, bool json) {
  const Interval interval = wilson_interval(tally.correct, tally.problems);
  const double mean_tokens = static_cast<double>(tally.thinking_tokens) / static_cast<double>(tally.problems);
  if (json) {
    const nlohmann::ordered_json object = {{"problems", tally.problems},
                                           {"correct", tally.correct},
                                           {"accuracy", tally.accuracy()},
                                           {"interval95", {interval.low, interval.high}},
                                           {"mean_thinking_tokens", mean_tokens}};
    fmt::print("{}\n", object.dump());
    return;
  }
  fmt::print(
      "{}\n",
      fmt::format(fmt::runtime(tr("{} of {} correct: {:.2f} % (95 %: {:.2f} to {:.2f}), {:.1f} tokens of "
                                  "thought on average",
                                  "{} / {} 题正确：{:.2f} %（95 % 区间：{:.2f} 至 {:.2f}），平均思考 "
                                  "{:.1f} 个词元")),
                  tally.correct, tally.problems, 100 * tally.accuracy(), 100 * interval.low,
                  100 * interval.high, mean_tokens));
}

}  // namespace

int run_eval(int argc, char** argv) {
  CLI::App app(tr("Lets a model answer problems and counts the right answers.", "让模型解题并统计正确率。"),
               "aloud eval");
  EvalCommand command;
  add_options(app, command);
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  const auto problems = read_problems(command.problems);
  if (!problems) return report_error("eval", problems.error().message);
  auto model = open_chat_model(command.model, command.context);
  if (!model) return report_error("eval", model.error().message);
  std::span<const Problem> chosen = *problems;
  if (command.first > 0 && command.first < static_cast<std::int64_t>(chosen.size())) {
    chosen = chosen.first(static_cast<std::size_t>(command.first));
  }
  Interrupts interrupts;
  const auto tally = evaluate(command, *model, chosen, interrupts.raised());
  if (!tally) return report_error("eval", tally.error().message);
  print_tally(*tally, command.json);
  return kExitSuccess;
}

}  // namespace aloud
