// Keys are looked up by their hash; quotas are a leaky bucket per minute and a counter per day.
#include "service/access_control.h"

#include <algorithm>

#include "base/clock.h"
#include "store/secret.h"

namespace aloud {
namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr std::int64_t kDayMs = 86'400'000;

Caller caller_of(ApiKey key) {
  Caller caller{.owner = key.name, .key = {}, .may_chat = key.scopes.chat, .is_operator = key.scopes.admin};
  caller.key = std::move(key);
  return caller;
}

RequestError quota_error(std::string message, std::string code, double seconds) {
  return {RequestErrorKind::kQuota, std::move(message), {}, std::move(code), seconds};
}

}  // namespace

std::string day_of(std::int64_t milliseconds) {
  return utc_text(milliseconds / 1000).substr(0, std::string_view("2026-01-31").size());
}

RequestError from_store(const StoreError& error) {
  RequestErrorKind kind = RequestErrorKind::kInternal;
  switch (error.kind) {
    case StoreError::Kind::kNotFound:
      kind = RequestErrorKind::kNotFound;
      break;
    case StoreError::Kind::kConflict:
      kind = RequestErrorKind::kConflict;
      break;
    case StoreError::Kind::kInvalid:
      kind = RequestErrorKind::kInvalid;
      break;
    case StoreError::Kind::kFull:
      kind = RequestErrorKind::kStorageFull;
      break;
    case StoreError::Kind::kUnavailable:
      break;
  }
  return {kind, error.message, {}, {}, 0};
}

AccessControl::AccessControl(Store& store, bool needs_keys, Clock clock)
    : store_(store), needs_keys_(needs_keys), clock_(std::move(clock)) {}

RequestResult<Caller> AccessControl::identify(const Credentials& credentials) const {
  if (credentials.key.starts_with(kKeyPrefix)) {
    auto key = store_.find_key(hash_secret(kKeyPurpose, credentials.key));
    if (key) return caller_of(std::move(*key));
    if (key.error().kind != StoreError::Kind::kNotFound) return tl::unexpected(from_store(key.error()));
    if (needs_keys_) return refuse(RequestErrorKind::kUnauthorized, "this key is not known or was revoked");
  }
  if (!credentials.session.empty()) {
    auto key = store_.find_session(hash_secret(kSessionPurpose, credentials.session));
    if (key) {
      if (credentials.is_write && !same_secret(credentials.csrf, csrf_token(credentials.session))) {
        return refuse(RequestErrorKind::kForbidden, "the header X-CSRF-Token is missing or wrong");
      }
      return caller_of(std::move(*key));
    }
    if (key.error().kind != StoreError::Kind::kNotFound) return tl::unexpected(from_store(key.error()));
  }
  if (needs_keys_) {
    return refuse(RequestErrorKind::kUnauthorized,
                  "a key is needed: the header Authorization: Bearer {}..., or x-api-key", kKeyPrefix);
  }
  return Caller{.owner = std::string(kLocalOwner), .key = {}, .may_chat = true, .is_operator = true};
}

RequestResult<void> AccessControl::admit(const Caller& caller) {
  if (!caller.key) return {};
  const ApiKey& key = *caller.key;
  const std::lock_guard lock(mutex_);
  Recent& recent = recent_[key.name];
  const std::int64_t now = clock_();
  if (auto checked = check_tokens(key, recent); !checked) return checked;
  if (!key.requests_per_minute) return {};
  const auto limit = static_cast<double>(*key.requests_per_minute);
  const auto passed = static_cast<double>(std::max<std::int64_t>(0, now - recent.last_ms));
  recent.requests = std::max(0.0, recent.requests - passed * limit / kMinuteMs);
  recent.last_ms = now;
  if (recent.requests + 1 > limit) {
    return tl::unexpected(quota_error(fmt::format("more than {} requests in a minute", limit),
                                      "rate_limit_exceeded", (recent.requests + 1 - limit) * 60 / limit));
  }
  recent.requests += 1;
  return {};
}

RequestResult<void> AccessControl::check_tokens(const ApiKey& key, Recent& recent) {
  if (!key.tokens_per_day) return {};
  const std::int64_t now = clock_();
  const std::string today = day_of(now);
  if (recent.day != today) {
    auto used = store_.usage(key.name, today, today);
    if (!used) return tl::unexpected(from_store(used.error()));
    recent.day = today;
    recent.tokens = 0;
    for (const DailyUsage& day : *used)
      recent.tokens += day.usage.prompt_tokens + day.usage.completion_tokens;
  }
  if (recent.tokens < *key.tokens_per_day) return {};
  const double seconds = static_cast<double>(kDayMs - now % kDayMs) / 1000;
  return tl::unexpected(quota_error(
      fmt::format("today's {} tokens are used up; the day ends at midnight UTC", *key.tokens_per_day),
      "insufficient_quota", seconds));
}

void AccessControl::add_usage(const Caller& caller, const Usage& used) {
  const std::string today = day_of(clock_());
  if (caller.key) {
    const std::lock_guard lock(mutex_);
    Recent& recent = recent_[caller.key->name];
    if (recent.day == today) recent.tokens += used.prompt_tokens + used.completion_tokens;
  }
  const DailyUsage daily{caller.owner, today, used};
  // Counters are not worth failing a reply that was given.
  (void)store_.add_usage({&daily, 1});
}

RequestResult<std::string> AccessControl::log_in(std::string_view key) {
  auto known = store_.find_key(hash_secret(kKeyPurpose, key));
  if (!known) {
    if (known.error().kind != StoreError::Kind::kNotFound) return tl::unexpected(from_store(known.error()));
    return refuse(RequestErrorKind::kUnauthorized, "this key is not known or was revoked");
  }
  std::string secret = random_secret("");
  const BrowserSession session{.key_name = known->name, .expires_ms = clock_() + kSessionSeconds * 1000};
  if (auto added = store_.add_session(hash_secret(kSessionPurpose, secret), session); !added) {
    return tl::unexpected(from_store(added.error()));
  }
  return secret;
}

void AccessControl::log_out(std::string_view session) {
  (void)store_.delete_session(hash_secret(kSessionPurpose, session));
}

}  // namespace aloud
