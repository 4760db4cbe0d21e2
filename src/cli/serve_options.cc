// Defines the options of the server with CLI11 and turns them into those of its parts.
#include "cli/serve_options.h"

#include <CLI/Config.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/printable.h"
#include "cli/language.h"
#include "cli/model_source.h"
#include "cli/text_file.h"
#include "engine/memory_plan.h"

namespace aloud {
namespace {

constexpr std::string_view kDefaultModelName = "aloud";
constexpr std::int64_t kMegabyte = 1'000'000;
// Of the memory that is left after the weights, unless --cache-mb says otherwise.
constexpr double kCacheShare = 0.5;

void add_model_flags(CLI::App& app, ServeFlags& flags) {
  app.add_option(
         "--model", flags.models,
         tr("model file (GGUF), or NAME=FILE; may be given again, the first is the default; without: the one "
            "that is built in",
            "模型文件（GGUF）或 名称=文件；可多次给出，第一个为默认；省略时用内置模型"))
      ->type_name("[NAME=]FILE")
      ->allow_extra_args(false);
  add_threads_option(app, flags.threads);
  add_engine_options(app, flags.engine);
  add_context_option(app, flags.context);
  app.add_option("--sequences", flags.sequences,
                 tr("replies that are written side by side", "同时生成的回复数"))
      ->type_name("N")
      ->check(within(1, 1024))
      ->capture_default_str();
  app.add_option("--cache-mb", flags.cache_mb,
                 tr("memory for keys and values of all conversations; default: what they can use, at most "
                    "half of what "
                    "is free",
                    "所有对话的键值缓存内存；默认：按需，最多占空闲内存的一半"))
      ->type_name("MB")
      ->check(within(1, std::int64_t{1} << 40));
  app.add_option("--queue", flags.queue, tr("requests that may wait", "可排队的请求数"))
      ->type_name("N")
      ->check(within(0, 1'000'000))
      ->capture_default_str();
  app.add_option("--idle-minutes", flags.idle_minutes,
                 tr("a model other than the default is unloaded after so long without use; 0: never",
                    "非默认模型闲置这么久后卸载；0：从不"))
      ->type_name("N")
      ->check(CLI::NonNegativeNumber.description(""))
      ->capture_default_str();
  app.add_option(
         "--system-prompt-file", flags.system_prompt_file,
         tr("text before every conversation; computed once for all", "置于每个对话之前的文本；只计算一次"))
      ->type_name("FILE");
}

void add_network_flags(CLI::App& app, ServeFlags& flags) {
  app.add_option("--host", flags.host,
                 tr("address to listen on; others than this machine's own need keys, and TLS or a proxy",
                    "监听地址；非本机地址需要密钥，以及 TLS 或代理"))
      ->type_name("ADDRESS")
      ->capture_default_str();
  app.add_option("--port", flags.port, tr("0: a free one", "0：任选空闲端口"))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--tls-certificate", flags.tls_certificate,
                 tr("certificate chain (PEM); read again on SIGHUP", "证书链（PEM）；收到 SIGHUP 时重新读取"))
      ->type_name("FILE");
  app.add_option("--tls-key", flags.tls_key, tr("its key (PEM)", "证书私钥（PEM）"))->type_name("FILE");
  app.add_flag("--behind-proxy", flags.behind_proxy,
               tr("a proxy of yours ends TLS; its X-Forwarded-* headers are believed",
                  "由您的代理终止 TLS，并信任其 X-Forwarded-* 头"));
  app.add_option("--host-name", flags.host_names,
                 tr("a name under which clients reach the server; may be given again",
                    "客户端访问服务器所用的名称；可多次给出"))
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--origin", flags.origins,
                 tr("a web site whose pages may call the server (CORS); may be given again",
                    "允许其页面调用服务器的网站（CORS）；可多次给出"))
      ->type_name("URL")
      ->allow_extra_args(false);
  app.add_flag("--no-keys", flags.no_keys,
               tr("nobody needs a key even at a public address: for closed networks",
                  "即使公开地址也不需要密钥：用于封闭网络"));
}

std::string model_name_of(const std::string& path) { return std::filesystem::path(path).stem().string(); }

std::int64_t seconds_of_file(const std::string& path) {
  std::error_code error;
  const auto written = std::filesystem::last_write_time(path, error);
  if (error) return 0;
  const auto system = std::chrono::file_clock::to_sys(written);
  return std::chrono::duration_cast<std::chrono::seconds>(system.time_since_epoch()).count();
}

// Pages for all conversations together.
std::int64_t cache_pages(const ServeFlags& flags, const LoadedModel& loaded) {
  const std::int64_t page_bytes = loaded.model().shape().kv.page_bytes();
  const std::int64_t wanted = flags.sequences * pages_for(loaded.context());
  if (flags.cache_mb) return std::max<std::int64_t>(1, *flags.cache_mb * kMegabyte / page_bytes);
  const auto available = available_memory_bytes();
  if (!available) return wanted;
  const auto share = static_cast<std::int64_t>(kCacheShare * static_cast<double>(*available));
  // One whole context has been found to fit when the model was loaded.
  return std::clamp(share / page_bytes, pages_for(loaded.context()),
                    std::max(wanted, pages_for(loaded.context())));
}

Result<std::unique_ptr<ServedModel>> load(const ServeFlags& flags, const std::string& name,
                                          const std::string& path, const std::string& system_prompt) {
  TRY_ASSIGN(GgufFile file, open_model_file(path));
  TRY_ASSIGN(auto loaded,
             LoadedModel::load(std::move(file), load_options(flags.threads, flags.engine, flags.context)));
  ServedModelOptions options = served_options(flags, *loaded);
  options.system_prompt = system_prompt;
  return ServedModel::start(name, std::move(loaded), options);
}

}  // namespace

void add_serve_options(CLI::App& app, ServeFlags& flags) {
  add_model_flags(app, flags);
  add_network_flags(app, flags);
  app.add_option("--data", flags.data,
                 tr("folder of conversations and keys; default: the user's data folder",
                    "对话与密钥所在文件夹；默认：用户数据目录"))
      ->type_name("DIR");
  app.add_option("--log", flags.log,
                 tr("requests on stderr, never their contents: text, json or off",
                    "在标准错误输出请求记录（从不含内容）：text、json 或 off"))
      ->type_name("FORM")
      ->check(CLI::IsMember({"text", "json", "off"}).description(""))
      ->capture_default_str();
  app.add_option("--drain-seconds", flags.drain_seconds,
                 tr("how long replies may go on after SIGTERM", "收到 SIGTERM 后回复可继续的时间"))
      ->type_name("N")
      ->check(CLI::NonNegativeNumber.description(""))
      ->capture_default_str();
  app.add_option(
         "--response-retention-days", flags.response_retention_days,
         tr("stored responses are erased after so long; 0: never", "已存储的响应保留这么久后清除；0：从不"))
      ->type_name("N")
      ->check(within(0, 36500))
      ->capture_default_str();
  app.set_config("--config", "",
                 tr("file (TOML) with any of these options", "包含上述任意选项的文件（TOML）"));
  app.allow_config_extras(CLI::config_extras_mode::error);
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

Result<ServerOptions> server_options(const ServeFlags& flags) {
  const bool has_tls = !flags.tls_certificate.empty();
  if (has_tls == flags.tls_key.empty()) return fail("--tls-certificate and --tls-key belong together");
  const bool is_public = !is_loopback(flags.host) || flags.behind_proxy;
  if (is_public && !has_tls && !flags.behind_proxy && !flags.no_keys) {
    return fail(
        "{}: others can reach this address, and keys and chats would pass unencrypted; give "
        "--tls-certificate "
        "and --tls-key, or --behind-proxy where a proxy of yours ends TLS",
        printable(flags.host));
  }
  ServerOptions options{.needs_keys = is_public && !flags.no_keys, .idle_seconds = 60 * flags.idle_minutes};
  options.version = ALOUD_VERSION;
  options.response_retention = std::chrono::days(flags.response_retention_days);
  options.http.address = flags.host;
  options.http.port = flags.port;
  options.http.tls = {flags.tls_certificate, flags.tls_key};
  options.http.behind_proxy = flags.behind_proxy;
  options.http.hosts = flags.host_names;
  options.http.origins = flags.origins;
  return options;
}

ServedModelOptions served_options(const ServeFlags& flags, const LoadedModel& loaded) {
  ServedModelOptions options;
  options.scheduler.max_pages = cache_pages(flags, loaded);
  options.scheduler.max_sequences = flags.sequences;
  options.scheduler.max_waiting = flags.queue;
  return options;
}

Result<std::vector<OfferedModel>> offered_models(const ServeFlags& flags) {
  std::string system_prompt;
  if (!flags.system_prompt_file.empty()) {
    TRY_ASSIGN(system_prompt, read_text_file(flags.system_prompt_file));
    while (system_prompt.ends_with('\n')) system_prompt.pop_back();
  }
  std::vector<OfferedModel> models;
  std::vector<std::string> given = flags.models;
  if (given.empty()) given.emplace_back();
  for (const std::string& words : given) {
    const std::size_t equals = words.find('=');
    const std::string path = equals == std::string::npos ? words : words.substr(equals + 1);
    std::string name = equals == std::string::npos ? model_name_of(path) : words.substr(0, equals);
    if (path.empty()) name = kDefaultModelName;
    if (std::ranges::any_of(models, [&](const OfferedModel& other) { return other.name == name; })) {
      return fail("--model: there are two models named {}; NAME=FILE gives one another name",
                  printable(name));
    }
    OfferedModel model{.name = name};
    TRY_ASSIGN(model.file_bytes, model_file_bytes(path));
    if (!path.empty()) model.created_seconds = seconds_of_file(path);
    model.load = [flags, name, path, system_prompt] { return load(flags, name, path, system_prompt); };
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace aloud
