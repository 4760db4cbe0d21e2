// aloud bench serve: how a server holds up under the load of many users.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/utf8.h"
#include "cli/command_line.h"
#include "cli/interrupt.h"
#include "cli/language.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/serve_load.h"

namespace aloud {
namespace {

using nlohmann::ordered_json;

struct BenchServeOptions {
  ServeLoadOptions load;
  ServeGoals goals;
  bool json = false;
};

ordered_json json_of(const Percentiles& values) {
  return {{"p50", values.p50}, {"p95", values.p95}, {"p99", values.p99}};
}

void print_json(const BenchServeOptions& options, const ServeSummary& summary) {
  const ServeLoadOptions& load = options.load;
  const ordered_json json = {
      {"url", replace_malformed_utf8(load.url)},
      {"rate", load.rate > 0 ? ordered_json(load.rate) : ordered_json(nullptr)},
      {"concurrency", load.rate > 0 ? ordered_json(nullptr) : ordered_json(load.concurrency)},
      {"users", load.users},
      {"seconds", load.seconds},
      {"seed", load.seed},
      {"requests", summary.requests},
      {"completed", summary.completed},
      {"errors", summary.errors},
      {"requests_per_second", summary.requests_per_second},
      {"output_tokens_per_second", summary.output_tokens_per_second},
      {"prompt_tokens_per_second", summary.prompt_tokens_per_second},
      {"goodput",
       {{"requests", summary.good},
        {"output_tokens_per_second", summary.good_tokens_per_second},
        {"goal_first_token_ms", options.goals.first_token_ms},
        {"goal_between_tokens_ms", options.goals.between_tokens_ms}}},
      {"first_token_ms", json_of(summary.first_token_ms)},
      {"between_tokens_ms", json_of(summary.between_tokens_ms)},
      {"whole_ms", json_of(summary.whole_ms)},
      {"fairness", summary.fairness}};
  fmt::print("{}\n", json.dump());
}

void print_percentiles(const char* what, const Percentiles& values) {
  fmt::print("{}: {:.0f} / {:.0f} / {:.0f} ms\n", what, values.p50, values.p95, values.p99);
}

void print_table(const BenchServeOptions& options, const ServeSummary& summary) {
  const ServeLoadOptions& load = options.load;
  const std::string arrivals =
      load.rate > 0 ? fmt::format("{} {}", load.rate, tr("requests/s, Poisson", "请求/秒，泊松到达"))
                    : fmt::format("{} {}", load.concurrency, tr("at a time", "并发"));
  fmt::print("{}: {}, {} {}, {:.0f} s\n", printable(load.url), arrivals, load.users, tr("users", "个用户"),
             load.seconds);
  fmt::print("{}: {}, {} {}\n", tr("requests", "请求"), summary.requests, summary.completed,
             tr("completed", "完成"));
  for (const auto& [error, count] : summary.errors)
    fmt::print("  {} {}: {}\n", tr("failed,", "失败："), error, count);
  fmt::print("{}: {:.1f} {}, {:.2f} {}\n", tr("throughput", "吞吐量"), summary.output_tokens_per_second,
             tr("tokens/s", "词元/秒"), summary.requests_per_second, tr("requests/s", "请求/秒"));
  fmt::print("{}: {:.1f} {} ({} {}: {} {:.0f} ms, {} {:.0f} ms)\n", tr("goodput", "有效吞吐量"),
             summary.good_tokens_per_second, tr("tokens/s", "词元/秒"), summary.good,
             tr("requests within the goals", "个请求达标"), tr("first token", "首词元"),
             options.goals.first_token_ms, tr("between tokens", "词元间隔"), options.goals.between_tokens_ms);
  print_percentiles(tr("first token, p50 / p95 / p99", "首词元 p50 / p95 / p99"), summary.first_token_ms);
  print_percentiles(tr("between tokens, p50 / p95 / p99", "词元间隔 p50 / p95 / p99"),
                    summary.between_tokens_ms);
  print_percentiles(tr("whole reply, p50 / p95 / p99", "完整回复 p50 / p95 / p99"), summary.whole_ms);
  fmt::print("{}: {:.3f}\n", tr("fairness between users (Jain's index)", "用户间公平性（Jain 指数）"),
             summary.fairness);
}

Status run(const BenchServeOptions& options) {
  Interrupts interrupts;
  Progress progress("");
  TRY_ASSIGN(const std::vector<ServedRequest> requests,
             send_serve_load(options.load, interrupts.raised(), [&](double seconds) {
               progress.update(fmt::format("{:.0f} / {:.0f} s", seconds, options.load.seconds));
             }));
  progress.finish();
  if (interrupts.raised()) return fail("{}", tr("stopped", "已停止"));
  const ServeSummary summary = summarise(requests, options.load.seconds, options.goals);
  options.json ? print_json(options, summary) : print_table(options, summary);
  return {};
}

void add_length_options(CLI::App& app, const std::string& name, LengthModel& model, const char* what) {
  app.add_option("--" + name + "-median", model.median, what)
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--" + name + "-longest", model.longest, tr("their greatest number", "其上限"))
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
}

void add_options(CLI::App& app, BenchServeOptions& options) {
  ServeLoadOptions& load = options.load;
  app.add_option("--url", load.url, tr("the server: http://HOST:PORT", "服务器：http://主机:端口"))
      ->required();
  app.add_option("--key", load.keys,
                 tr("its key; several are dealt out to the users", "密钥；多个密钥依次分给各用户"));
  app.add_option("--model", load.model,
                 tr("name of the model (default: the server's)", "模型名（默认：服务器所选）"));
  auto* rate =
      app.add_option("--rate", load.rate, tr("requests per second, at random times", "每秒请求数，随机到达"))
          ->check(CLI::Range(0.001, 1e5));
  app.add_option("--concurrency", load.concurrency,
                 tr("requests at a time, each followed by the next", "并发请求数，完成一个再发下一个"))
      ->check(CLI::Range(1, 20000))
      ->excludes(rate)
      ->capture_default_str();
  app.add_option("--users", load.users, tr("users who send them in turn", "轮流发送请求的用户数"))
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--seconds", load.seconds, tr("for how long", "持续秒数"))
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  add_length_options(app, "prompt", load.prompt,
                     tr("words of a prompt, log-normal", "提示词的词数，对数正态分布"));
  add_length_options(app, "output", load.output,
                     tr("tokens of a reply, log-normal", "回复的词元数，对数正态分布"));
  app.add_option("--goal-first-token-ms", options.goals.first_token_ms,
                 tr("a good reply begins within this time", "有效回复的首词元时限"))
      ->capture_default_str();
  app.add_option("--goal-between-tokens-ms", options.goals.between_tokens_ms,
                 tr("and goes on at this pace on average", "有效回复的平均词元间隔上限"))
      ->capture_default_str();
  app.add_option("--seed", load.seed, tr("seed of lengths, words and times", "长度、词语与时间的种子"))
      ->capture_default_str();
  add_json_option(app, options.json);
}

}  // namespace

int run_bench_serve(int argc, char** argv) {
  BenchServeOptions options;
  CLI::App app(tr("Sends a server the load of many users and measures how it holds up.",
                  "模拟多用户负载，测量服务器的表现。"),
               "aloud bench serve");
  add_options(app, options);
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  if (const Status status = run(options); !status) return report_error("bench serve", status.error().message);
  return kExitSuccess;
}

}  // namespace aloud
