// aloud key: who may use a server that is open to others.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "cli/command_line.h"
#include "cli/language.h"
#include "cli/options.h"
#include "store/access_json.h"
#include "store/data_folder.h"
#include "store/secret.h"
#include "store/sqlite_store.h"

namespace aloud {
namespace {

using nlohmann::ordered_json;

struct KeyOptions {
  std::string data;
  std::string name;
  std::string scopes = "chat";
  std::optional<std::int64_t> requests_per_minute;
  std::optional<std::int64_t> tokens_per_day;
  bool json = false;
};

Status as_status(const StoreStatus& status) {
  if (!status) return fail("{}", status.error().message);
  return {};
}

Status add_key(Store& store, const KeyOptions& options) {
  const std::string secret = random_secret(kKeyPrefix);
  const ApiKey key{.name = options.name,
                   .scopes = parse_scopes(options.scopes).value_or(Scopes()),
                   .requests_per_minute = options.requests_per_minute,
                   .tokens_per_day = options.tokens_per_day};
  TRY(as_status(store.add_key(key, hash_secret(kKeyPurpose, secret))));
  if (options.json) {
    fmt::print("{}\n", ordered_json{{"name", key.name}, {"key", secret}}.dump());
    return {};
  }
  fmt::print("{}\n", secret);
  std::fflush(stdout);
  fmt::print(stderr, "{}\n",
             tr("Keep it well: it is shown this once, and only its hash is stored.",
                "请妥善保存：密钥只显示这一次，程序只保存其散列值。"));
  return {};
}

Status revoke_key(Store& store, const KeyOptions& options) {
  TRY(as_status(store.revoke_key(options.name)));
  if (!options.json)
    fmt::print("{}\n", tr("revoked; what its owner stored stays", "已吊销；其所有者的数据仍然保留"));
  return {};
}

// Of all days.
std::map<std::string, Usage> usage_by_owner(const std::vector<DailyUsage>& days) {
  std::map<std::string, Usage> totals;
  for (const DailyUsage& day : days) {
    Usage& total = totals[day.owner];
    total.requests += day.usage.requests;
    total.prompt_tokens += day.usage.prompt_tokens;
    total.cached_tokens += day.usage.cached_tokens;
    total.completion_tokens += day.usage.completion_tokens;
    total.reasoning_tokens += day.usage.reasoning_tokens;
  }
  return totals;
}

std::string local_time(std::int64_t time_ms) {
  if (time_ms == 0) return "-";
  return fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(static_cast<std::time_t>(time_ms / 1000)));
}

std::string limit_text(const std::optional<std::int64_t>& limit) {
  return limit ? std::to_string(*limit) : "-";
}

Status list_keys(Store& store, const KeyOptions& options) {
  const auto keys = store.keys();
  if (!keys) return fail("{}", keys.error().message);
  const auto days = store.usage(std::nullopt, "0000-00-00", "9999-99-99");
  if (!days) return fail("{}", days.error().message);
  std::map<std::string, Usage> usage = usage_by_owner(*days);
  if (options.json) {
    ordered_json list = ordered_json::array();
    for (const ApiKey& key : *keys) {
      list.push_back(to_json(key));
      list.back()["usage"] = to_json(usage[key.name]);
    }
    fmt::print("{}\n", ordered_json{{"keys", std::move(list)}}.dump());
    return {};
  }
  constexpr const char* kLine = "{:<20}  {:<10}  {:>10}  {:>12}  {:<16}  {:<16}  {:>9}  {:>12}\n";
  fmt::print(fmt::runtime(kLine), tr("name", "名称"), tr("scopes", "权限"), tr("per minute", "每分钟"),
             tr("tokens/day", "词元/天"), tr("created", "创建时间"), tr("last used", "最近使用"),
             tr("requests", "请求数"), tr("tokens", "词元数"));
  for (const ApiKey& key : *keys) {
    const Usage& used = usage[key.name];
    fmt::print(fmt::runtime(kLine), printable(key.name), scopes_text(key.scopes),
               limit_text(key.requests_per_minute), limit_text(key.tokens_per_day),
               local_time(key.created_ms), local_time(key.last_used_ms), used.requests,
               used.prompt_tokens + used.completion_tokens);
  }
  return {};
}

void add_action_options(CLI::App& action, KeyOptions& options, bool named) {
  action.group(tr("Actions", "操作"));
  if (named) action.add_option("NAME", options.name, tr("whose key it is", "密钥的所有者"))->required();
  add_data_option(action, options.data);
  add_json_option(action, options.json);
}

void add_limit_options(CLI::App& add, KeyOptions& options) {
  const auto check_scopes = [](const std::string& text) {
    return parse_scopes(text) ? std::string() : text + ": expected chat, admin or chat,admin";
  };
  add.add_option("--scopes", options.scopes,
                 tr("what it allows: chat, admin (keys and usage counters), or both; default: chat",
                    "权限：chat、admin（密钥与用量统计）或两者；默认：chat"))
      ->type_name("chat,admin")
      ->check(CLI::Validator(check_scopes, ""));
  add.add_option("--requests-per-minute", options.requests_per_minute,
                 tr("at most so many requests a minute; default: no limit", "每分钟请求数上限；默认不限"))
      ->type_name("N")
      ->check(CLI::PositiveNumber.description(""));
  add.add_option("--tokens-per-day", options.tokens_per_day,
                 tr("at most so many tokens a day, of prompts and replies; default: no limit",
                    "每天提示与回复词元总数上限；默认不限"))
      ->type_name("N")
      ->check(CLI::PositiveNumber.description(""));
}

}  // namespace

int run_key(int argc, char** argv) {
  KeyOptions options;
  CLI::App app(
      tr("Says who may use a server that is open to others. A key's name owns what is stored with it.",
         "管理对外服务的密钥。以密钥存储的内容归密钥名称所有。"),
      "aloud key");
  CLI::App* add = app.add_subcommand("add", tr("make a key and print it", "生成并显示密钥"));
  add_action_options(*add, options, true);
  add_limit_options(*add, options);
  CLI::App* list = app.add_subcommand("list", tr("list keys and what was used with them", "列出密钥及用量"));
  add_action_options(*list, options, false);
  CLI::App* revoke = app.add_subcommand("revoke", tr("make a key worthless", "吊销密钥"));
  add_action_options(*revoke, options, true);
  app.require_subcommand(1);
  if (const auto code = parse_command_line(app, argc, argv)) return *code;

  const auto folder = data_folder(options.data);
  if (!folder) return report_error("key", folder.error().message);
  const auto store = open_sqlite_store({.folder = *folder});
  if (!store) return report_error("key", store.error().message);
  const auto act = add->parsed() ? add_key : list->parsed() ? list_keys : revoke_key;
  if (const Status status = act(**store, options); !status)
    return report_error("key", status.error().message);
  return kExitSuccess;
}

}  // namespace aloud
