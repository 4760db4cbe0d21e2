// /v1/keys and /v1/usage: who may use the server and how much they did, never what was said.
#include <utility>

#include "api/routes.h"
#include "api/services.h"
#include "base/clock.h"
#include "store/access_json.h"

namespace aloud {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kMostDays = 366;
constexpr std::int64_t kUsualDays = 30;

const std::string& name_of(const ApiCall& call) { return call.request->parameters.front(); }

// Absent: none is given.
std::optional<Scopes> scopes_of(JsonFields& fields) {
  const auto text = fields.choice("scopes", {"chat", "admin", "chat,admin"});
  return text ? parse_scopes(*text) : std::nullopt;
}

Json key_json(const ApiKey& key) {
  Json json = {{"object", "key"}};
  json.update(to_json(key));
  return json;
}

// Of a change: null lifts a limit, an absent one stays.
std::optional<std::optional<std::int64_t>> limit_of(JsonFields& fields, const Json& json, const char* name) {
  if (!json.contains(name)) return std::nullopt;
  return fields.integer(name, 1);
}

struct Days {
  std::int64_t first_ms;
  std::int64_t last_ms;
};

RequestResult<std::int64_t> day_of(const HttpRequest& request, const char* name, std::int64_t otherwise) {
  const auto text = request.query(name);
  if (!text) return otherwise;
  if (const auto day = parse_utc_day(*text)) return *day;
  RequestError error{RequestErrorKind::kInvalid, {}, name, {}, 0};
  error.message = fmt::format("{:?}, expected a day such as 2026-01-31", *text);
  return tl::unexpected(std::move(error));
}

RequestResult<Days> days_of(const HttpRequest& request) {
  Days days{};
  TRY_ASSIGN(days.last_ms, day_of(request, "last_day", unix_milliseconds()));
  TRY_ASSIGN(days.first_ms, day_of(request, "first_day", days.last_ms - (kUsualDays - 1) * kDayMs));
  if (days.first_ms <= days.last_ms && days.last_ms - days.first_ms < kMostDays * kDayMs) return days;
  RequestError error{RequestErrorKind::kInvalid, {}, "first_day", {}, 0};
  error.message = fmt::format("{} to {}, expected 1 to {} days", utc_day(days.first_ms),
                              utc_day(days.last_ms), kMostDays);
  return tl::unexpected(std::move(error));
}

// Where keys are needed, the last key that can make others must stay.
bool keeps_operator(const ApiCall& call) { return call.services.access.needs_keys(); }

}  // namespace

void answer_keys(const ApiCall& call) {
  const auto keys = call.services.store.keys();
  if (!keys) return call.send(from_store(keys.error()));
  Json data = Json::array();
  for (const ApiKey& key : *keys) data.push_back(key_json(key));
  call.send({{"object", "list"}, {"data", std::move(data)}});
}

void answer_add_key(const ApiCall& call) {
  const auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  const ApiKey key{.name = fields.required_string("name"),
                   .scopes = scopes_of(fields).value_or(Scopes()),
                   .requests_per_minute = fields.integer("requests_per_minute", 1),
                   .tokens_per_day = fields.integer("tokens_per_day", 1),
                   .created_ms = unix_milliseconds()};
  if (fields.error()) return call.send(*fields.error());
  const std::string secret = random_secret(kKeyPrefix);
  if (const auto added = call.services.store.add_key(key, hash_secret(kKeyPurpose, secret)); !added) {
    RequestError error = from_store(added.error());
    error.param = "name";
    return call.send(error);
  }
  Json answer = key_json(key);
  answer["key"] = secret;  // told this once
  call.send(answer);
}

void answer_change_key(const ApiCall& call) {
  const auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  if (fields.string("name").value_or(name_of(call)) != name_of(call)) {
    fields.set_error("name", "a key's name owns what was stored with it and cannot be changed");
  }
  const KeyChange change{.scopes = scopes_of(fields),
                         .requests_per_minute = limit_of(fields, *json, "requests_per_minute"),
                         .tokens_per_day = limit_of(fields, *json, "tokens_per_day")};
  if (fields.error()) return call.send(*fields.error());
  const auto changed = call.services.store.change_key(name_of(call), change, keeps_operator(call));
  if (!changed) return call.send(from_store(changed.error()));
  call.send(key_json(*changed));
}

void answer_revoke_key(const ApiCall& call) {
  const auto revoked = call.services.store.revoke_key(name_of(call), keeps_operator(call));
  if (!revoked) return call.send(from_store(revoked.error()));
  call.send({{"object", "key.deleted"}, {"name", name_of(call)}, {"deleted", true}});
}

void answer_usage(const ApiCall& call) {
  const auto days = days_of(*call.request);
  if (!days) return call.send(days.error());
  const std::string first = utc_day(days->first_ms), last = utc_day(days->last_ms);
  const auto used = call.services.store.usage(call.request->query("owner"), first, last);
  if (!used) return call.send(from_store(used.error()));
  Json data = Json::array();
  for (const DailyUsage& day : *used) {
    Json json = {{"day", day.day}, {"owner", day.owner}};
    json.update(to_json(day.usage));
    data.push_back(std::move(json));
  }
  call.send({{"object", "list"}, {"first_day", first}, {"last_day", last}, {"data", std::move(data)}});
}

}  // namespace aloud
