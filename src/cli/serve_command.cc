// Starts the server, says where it is, and waits for signals.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/clock.h"
#include "base/printable.h"
#include "cli/command_line.h"
#include "cli/language.h"
#include "cli/serve_command.h"
#include "store/sqlite_store.h"

namespace aloud {
namespace {

using Json = nlohmann::ordered_json;

// What was asked and how it went, never what was said.
void log_text(const AccessRecord& record) {
  const auto now = std::chrono::system_clock::now();
  fmt::print(stderr, "{:%H:%M:%S} {} {} {} {:.1f} ms\n",
             fmt::localtime(std::chrono::system_clock::to_time_t(now)), record.status,
             record.method.empty() ? "-" : record.method, record.pattern.empty() ? "-" : record.pattern,
             1000 * record.seconds);
}

void log_json(const AccessRecord& record) {
  const Json line = {{"time_ms", unix_milliseconds()}, {"method", record.method},
                     {"route", record.pattern},        {"peer", record.peer},
                     {"status", record.status},        {"bytes", record.bytes_sent},
                     {"seconds", record.seconds},      {"complete", record.complete}};
  fmt::print(stderr, "{}\n", line.dump(-1, ' ', false, Json::error_handler_t::replace));
}

// Every connection takes a descriptor; what the system allows at most is taken.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// SIGINT, SIGTERM and SIGHUP are taken by sigwait() alone: blocked here, so in all threads that begin later.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Says when the default model can be asked, or why not.
void announce(Server& server) {
  server.models().use({}, [url = server.url()](const auto& model) {
    if (model) {
      fmt::print(stderr, fmt::runtime(tr("{} answers at {}\n", "{} 已就绪：{}\n")),
                 printable((*model)->name()), url);
    } else {
      fmt::print(stderr, "{}\n", printable(model.error().message));
    }
  });
}

// A second signal does not wait for anybody.
void drain(Server& server, double seconds, const sigset_t& signals) {
  fmt::print(stderr,
             fmt::runtime(tr("ending: replies may go on for {:.0f} s; again: at once\n",
                             "正在结束：回复可继续 {:.0f} 秒；再次按下则立即结束\n")),
             seconds);
  std::jthread([signals] {
    int number = SIGHUP;
    while (number == SIGHUP) sigwait(&signals, &number);
    _exit(kExitFailure);
  }).detach();
  server.drain(seconds);
}

int serve_until_signal(const ServeFlags& flags, const OfferModels& offer) {
  const sigset_t signals = block_signals();
  allow_many_files();
  auto options = server_options(flags);
  if (!options) return report_error("serve", options.error().message, kExitUsage);
  auto models = offer(flags);
  if (!models) return report_error("serve", models.error().message);
  const auto folder = data_folder(flags.data);
  if (!folder) return report_error("serve", folder.error().message);
  auto store = open_sqlite_store(
      {.folder = *folder, .use = FolderUse::kServe, .on_refusal = [&folder](const StoreError& error) {
         report_error("serve",
                      fmt::format("{}: what is stored can be read, but nothing can be stored now: {}",
                                  printable(*folder), error.message));
       }});
  if (!store) return report_error("serve", store.error().message);
  if (flags.log != "off") options->on_request = flags.log == "json" ? log_json : log_text;
  options->on_failure = [](std::string_view what) { report_error("serve", what); };
  auto server = Server::start(std::move(*options), std::move(*models), **store);
  if (!server) return report_error("serve", server.error().message);
  fmt::print("{}\n", (*server)->url());
  std::fflush(stdout);
  announce(**server);

  for (;;) {
    int number = 0;
    sigwait(&signals, &number);
    if (number != SIGHUP) break;
    if (auto reloaded = (*server)->reload_certificates(); !reloaded) {
      report_error("serve", reloaded.error().message);
    }
  }
  drain(**server, flags.drain_seconds, signals);
  return kExitSuccess;
}

}  // namespace

int serve(int argc, char** argv, const OfferModels& offer) {
  CLI::App app(
      tr("Serves models over HTTP: the APIs of OpenAI, Anthropic and Ollama, and the chat in the browser.",
         "通过 HTTP 提供模型服务：兼容 OpenAI、Anthropic、Ollama 的 API，以及浏览器聊天。"),
      "aloud serve");
  ServeFlags flags;
  add_serve_options(app, flags);
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  return serve_until_signal(flags, offer);
}

int run_serve(int argc, char** argv) { return serve(argc, argv, offered_models); }

}  // namespace aloud
