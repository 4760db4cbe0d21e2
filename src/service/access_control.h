// Who a request comes from and how much it may: keys, browser sessions, quotas.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "service/request_error.h"
#include "store/store.h"

namespace aloud {

// Who calls: the owner of what is stored and the one whose share is used.
struct Caller {
  std::string owner;
  std::optional<ApiKey> key;  // absent: none was needed
  bool may_chat = false;
  bool is_operator = false;
};

// What a request carries to say who it comes from; empty where it carries none.
struct Credentials {
  std::string_view key;
  std::string_view session;  // of a cookie
  std::string_view csrf;     // beside a cookie
  bool is_write = false;     // needs csrf, if it is the cookie that counts
};

RequestError from_store(const StoreError& error);

// Any thread.
class AccessControl {
 public:
  // The owner of what is done without a key, where none is needed.
  static constexpr std::string_view kLocalOwner = "local";
  static constexpr std::int64_t kSessionSeconds = 30 * 24 * 3600;
  using Clock = std::function<std::int64_t()>;  // milliseconds since 1970

  // needs_keys: false where only this machine can reach the server. The store must outlive it.
  AccessControl(Store& store, bool needs_keys, Clock clock);

  bool needs_keys() const { return needs_keys_; }

  // A key goes before a cookie. Errors: none or an unknown one (kUnauthorized), a cookie without its token
  // (kForbidden), the store's own.
  RequestResult<Caller> identify(const Credentials& credentials) const;

  // Counts one request for a reply. Errors: kQuota, with the time after which there is room again.
  RequestResult<void> admit(const Caller& caller);
  // What a reply used, for the quota and the counters; refused replies use nothing. Blocks.
  void add_usage(const Caller& caller, const Usage& used);

  // A new session of this key's: the secret for the cookie. Errors: the store's own.
  RequestResult<std::string> log_in(std::string_view key);
  void log_out(std::string_view session);

 private:
  // What a key did lately.
  struct Recent {
    double requests = 0;  // decays by its limit per minute
    std::int64_t last_ms = 0;
    std::string day;
    std::int64_t tokens = 0;  // on that day
  };

  RequestResult<void> check_tokens(const ApiKey& key, Recent& recent);

  Store& store_;
  const bool needs_keys_;
  const Clock clock_;
  std::mutex mutex_;
  std::map<std::string, Recent> recent_;  // by the key's name
};

// "2026-01-31", UTC
std::string day_of(std::int64_t milliseconds);

}  // namespace aloud
