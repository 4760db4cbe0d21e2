// Responses, keys, sessions and usage.
#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/printable.h"
#include "store/secret.h"
#include "store/sqlite_database.h"
#include "store/sqlite_tables.h"

namespace aloud {
namespace {

using Kind = StoreError::Kind;

constexpr std::string_view kKeyColumns =
    "k.name, k.scopes, k.requests_per_minute, k.tokens_per_day, k.created_ms, k.last_used_ms";

ApiKey key_row(const SQLite::Statement& row) {
  return {.name = text_at(row, 0),
          // What cannot be read allows nothing.
          .scopes = parse_scopes(text_at(row, 1)).value_or(Scopes{.chat = false, .admin = false}),
          .requests_per_minute = optional_number_at(row, 2),
          .tokens_per_day = optional_number_at(row, 3),
          .created_ms = number_at(row, 4),
          .last_used_ms = number_at(row, 5)};
}

tl::unexpected<StoreError> key_not_found(std::string_view name) {
  return fail_store(Kind::kNotFound, "{}: there is no key of that name", printable(name));
}

// The one key that can make others.
StoreStatus check_not_last_operator(SQLite::Database& database, std::string_view name) {
  const bool is_last = prepare(database,
                               "SELECT 1 FROM keys WHERE name = ?1 AND scopes LIKE '%admin' AND NOT EXISTS "
                               "(SELECT 1 FROM keys WHERE name <> ?1 AND scopes LIKE '%admin')",
                               name)
                           .executeStep();
  if (!is_last) return {};
  return fail_store(Kind::kConflict,
                    "{}: the last key with the scope admin; add another before this one goes", name);
}

tl::unexpected<StoreError> response_not_found(std::string_view id) {
  return fail_store(Kind::kNotFound, "response {}: not found", printable(id));
}

}  // namespace

void upsert_response(SQLite::Database& database, std::string_view owner, const StoredResponse& response,
                     std::int64_t now_ms) {
  execute(database,
          "INSERT INTO responses (owner, id, body, status, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?) "
          "ON CONFLICT DO UPDATE SET body = excluded.body, status = excluded.status, "
          "expires_ms = excluded.expires_ms",
          owner, response.id, response.body, name(response.status),
          response.created_ms == 0 ? now_ms : response.created_ms, response.expires_ms);
}

StoreResult<StoredResponse> read_response(SQLite::Database& database, std::string_view owner,
                                          std::string_view id, std::int64_t now_ms) {
  SQLite::Statement row = prepare(database,
                                  "SELECT id, body, status, created_ms, expires_ms FROM responses "
                                  "WHERE owner = ? AND id = ? AND (expires_ms = 0 OR expires_ms > ?)",
                                  owner, id, now_ms);
  if (!row.executeStep()) return response_not_found(id);
  return StoredResponse{.id = text_at(row, 0),
                        .body = json_at(row, 1),
                        .status = find_reply_status(text_at(row, 2)).value_or(ReplyStatus::kFailed),
                        .created_ms = number_at(row, 3),
                        .expires_ms = number_at(row, 4)};
}

StoreStatus remove_response(SQLite::Database& database, std::string_view owner, std::string_view id) {
  if (execute(database, "DELETE FROM responses WHERE owner = ? AND id = ?", owner, id) == 0) {
    return response_not_found(id);
  }
  expect_erasure(database);
  return {};
}

StoreStatus insert_key(SQLite::Database& database, const ApiKey& key, const SecretHash& hash,
                       std::int64_t now_ms) {
  if (!is_key_name(key.name)) {
    return fail_store(Kind::kInvalid,
                      "{}: no name for a key, expected 1 to 64 bytes without spaces and a leading -",
                      printable(key.name));
  }
  if (prepare(database, "SELECT 1 FROM keys WHERE name = ?", key.name).executeStep()) {
    return fail_store(Kind::kConflict, "{}: there is a key of that name", key.name);
  }
  execute(
      database,
      "INSERT INTO keys (name, hash, scopes, requests_per_minute, tokens_per_day, created_ms, last_used_ms) "
      "VALUES (?, ?, ?, ?, ?, ?, 0)",
      key.name, hash, scopes_text(key.scopes), key.requests_per_minute, key.tokens_per_day,
      key.created_ms == 0 ? now_ms : key.created_ms);
  return {};
}

std::vector<ApiKey> list_keys(SQLite::Database& database) {
  SQLite::Statement rows =
      prepare(database, fmt::format("SELECT {} FROM keys k ORDER BY k.name", kKeyColumns));
  std::vector<ApiKey> keys;
  while (rows.executeStep()) keys.push_back(key_row(rows));
  return keys;
}

StoreResult<ApiKey> read_key(SQLite::Database& database, const SecretHash& hash) {
  SQLite::Statement row =
      prepare(database, fmt::format("SELECT {} FROM keys k WHERE k.hash = ?", kKeyColumns), hash);
  if (!row.executeStep()) return fail_store(Kind::kNotFound, "key: unknown or revoked");
  return key_row(row);
}

StoreResult<ApiKey> update_key(SQLite::Database& database, std::string_view name, const KeyChange& change,
                               bool keeps_operator) {
  SQLite::Statement row =
      prepare(database, fmt::format("SELECT {} FROM keys k WHERE k.name = ?", kKeyColumns), name);
  if (!row.executeStep()) return key_not_found(name);
  ApiKey key = key_row(row);
  key.scopes = change.scopes.value_or(key.scopes);
  key.requests_per_minute = change.requests_per_minute.value_or(key.requests_per_minute);
  key.tokens_per_day = change.tokens_per_day.value_or(key.tokens_per_day);
  if (keeps_operator && !key.scopes.admin) TRY(check_not_last_operator(database, name));
  execute(database, "UPDATE keys SET scopes = ?, requests_per_minute = ?, tokens_per_day = ? WHERE name = ?",
          scopes_text(key.scopes), key.requests_per_minute, key.tokens_per_day, name);
  return key;
}

StoreStatus remove_key(SQLite::Database& database, std::string_view name, bool keeps_operator) {
  if (keeps_operator) TRY(check_not_last_operator(database, name));
  if (execute(database, "DELETE FROM keys WHERE name = ?", name) > 0) return {};
  return key_not_found(name);
}

StoreStatus insert_session(SQLite::Database& database, const SecretHash& hash, const BrowserSession& session,
                           std::int64_t now_ms) {
  if (!prepare(database, "SELECT 1 FROM keys WHERE name = ?", session.key_name).executeStep()) {
    return key_not_found(session.key_name);
  }
  execute(database, "INSERT INTO sessions (hash, key_name, created_ms, expires_ms) VALUES (?, ?, ?, ?)", hash,
          session.key_name, session.created_ms == 0 ? now_ms : session.created_ms, session.expires_ms);
  return {};
}

StoreResult<ApiKey> read_session(SQLite::Database& database, const SecretHash& hash, std::int64_t now_ms) {
  SQLite::Statement row = prepare(database,
                                  fmt::format("SELECT {} FROM sessions s JOIN keys k ON k.name = s.key_name "
                                              "WHERE s.hash = ? AND s.expires_ms > ?",
                                              kKeyColumns),
                                  hash, now_ms);
  if (!row.executeStep()) return fail_store(Kind::kNotFound, "session: unknown or expired");
  return key_row(row);
}

StoreStatus remove_session(SQLite::Database& database, const SecretHash& hash) {
  if (execute(database, "DELETE FROM sessions WHERE hash = ?", hash) > 0) return {};
  return fail_store(Kind::kNotFound, "session: unknown or expired");
}

void insert_usage(SQLite::Database& database, std::span<const DailyUsage> used, std::int64_t now_ms) {
  for (const DailyUsage& entry : used) {
    const Usage& usage = entry.usage;
    execute(
        database,
        "INSERT INTO usage (owner, day, requests, prompt_tokens, cached_tokens, completion_tokens, "
        "reasoning_tokens) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
        "requests = requests + excluded.requests, prompt_tokens = prompt_tokens + excluded.prompt_tokens, "
        "cached_tokens = cached_tokens + excluded.cached_tokens, "
        "completion_tokens = completion_tokens + excluded.completion_tokens, "
        "reasoning_tokens = reasoning_tokens + excluded.reasoning_tokens",
        entry.owner, entry.day, usage.requests, usage.prompt_tokens, usage.cached_tokens,
        usage.completion_tokens, usage.reasoning_tokens);
    execute(database, "UPDATE keys SET last_used_ms = ? WHERE name = ?", now_ms, entry.owner);
  }
}

std::vector<DailyUsage> read_usage(SQLite::Database& database, std::optional<std::string_view> owner,
                                   std::string_view first_day, std::string_view last_day) {
  SQLite::Statement rows =
      prepare(database,
              "SELECT owner, day, requests, prompt_tokens, cached_tokens, completion_tokens, "
              "reasoning_tokens FROM usage "
              "WHERE (?1 IS NULL OR owner = ?1) AND day BETWEEN ?2 AND ?3 ORDER BY day, owner",
              owner, first_day, last_day);
  std::vector<DailyUsage> used;
  while (rows.executeStep()) {
    used.push_back({text_at(rows, 0),
                    text_at(rows, 1),
                    {number_at(rows, 2), number_at(rows, 3), number_at(rows, 4), number_at(rows, 5),
                     number_at(rows, 6)}});
  }
  return used;
}

}  // namespace aloud
