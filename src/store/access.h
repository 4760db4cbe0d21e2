// What is stored of those who may use a server: keys, browser sessions and what was used; never what was
// said.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace aloud {

// BLAKE2b-256 of a secret (see secret.h): what is stored instead of it.
using SecretHash = std::array<std::byte, 32>;

// What a key allows.
struct Scopes {
  bool chat = true;    // to use models, and the history of the key's owner
  bool admin = false;  // to see and change keys and usage counters
};

// The name of a key is the owner of what is done with it: a key that is revoked and added again has its
// history.
struct ApiKey {
  std::string name;
  Scopes scopes;
  std::optional<std::int64_t> requests_per_minute;  // nullopt: no limit
  std::optional<std::int64_t> tokens_per_day;
  std::int64_t created_ms = 0;    // 0 when it is stored: now
  std::int64_t last_used_ms = 0;  // 0: never
};

// What of a key is to be changed; absent: it stays as it is. Its name owns what is stored, and stays.
struct KeyChange {
  std::optional<Scopes> scopes;
  std::optional<std::optional<std::int64_t>> requests_per_minute;  // nullopt within: no limit any more
  std::optional<std::optional<std::int64_t>> tokens_per_day;
};

// A browser that was logged in with a key; it ends with that key.
struct BrowserSession {
  std::string key_name;
  std::int64_t created_ms = 0;  // 0 when it is stored: now
  std::int64_t expires_ms = 0;
};

struct Usage {
  std::int64_t requests = 0;
  std::int64_t prompt_tokens = 0;  // with those that were cached
  std::int64_t cached_tokens = 0;
  std::int64_t completion_tokens = 0;  // with those of the thought
  std::int64_t reasoning_tokens = 0;
};

struct DailyUsage {
  std::string owner;
  std::string day;  // see utc_day
  Usage usage;
};

// "2026-01-31" for milliseconds since 1970.
std::string utc_day(std::int64_t time_ms);
// When that day begins, in milliseconds since 1970; nullopt: no day is written like this.
std::optional<std::int64_t> parse_utc_day(std::string_view text);

// "chat", "admin" or "chat,admin"; nullopt for anything else, none at all too.
std::optional<Scopes> parse_scopes(std::string_view text);
std::string scopes_text(Scopes scopes);

}  // namespace aloud
