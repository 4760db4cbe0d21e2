// A table of kinds with their status and names.
#include "api/error_body.h"

#include <cmath>

namespace aloud {
namespace {

struct KindNames {
  RequestErrorKind kind;
  int status;
  const char* open_ai;
  const char* anthropic;
};

constexpr KindNames kKinds[] = {
    {RequestErrorKind::kInvalid, 400, "invalid_request_error", "invalid_request_error"},
    {RequestErrorKind::kUnauthorized, 401, "authentication_error", "authentication_error"},
    {RequestErrorKind::kForbidden, 403, "permission_error", "permission_error"},
    {RequestErrorKind::kNotFound, 404, "not_found_error", "not_found_error"},
    {RequestErrorKind::kConflict, 409, "conflict_error", "invalid_request_error"},
    {RequestErrorKind::kTooLarge, 413, "request_too_large", "request_too_large"},
    {RequestErrorKind::kQuota, 429, "rate_limit_error", "rate_limit_error"},
    {RequestErrorKind::kInternal, 500, "server_error", "api_error"},
    {RequestErrorKind::kCapacity, 503, "overloaded_error", "overloaded_error"},
    {RequestErrorKind::kStorageFull, 507, "storage_full_error", "api_error"},
};

const KindNames& names_of(RequestErrorKind kind) {
  for (const KindNames& names : kKinds) {
    if (names.kind == kind) return names;
  }
  return names_of(RequestErrorKind::kInternal);
}

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

Dialect dialect_of(std::string_view path) {
  if (path.starts_with("/v1/messages")) return Dialect::kAnthropic;
  return path.starts_with("/api/") ? Dialect::kOllama : Dialect::kOpenAi;
}

int http_status(RequestErrorKind kind) { return names_of(kind).status; }

RequestErrorKind kind_of_status(int status) {
  for (const KindNames& names : kKinds) {
    if (names.status == status) return names.kind;
  }
  return status < 500 ? RequestErrorKind::kInvalid : RequestErrorKind::kInternal;
}

Json error_body(Dialect dialect, const RequestError& error) {
  const KindNames& names = names_of(error.kind);
  switch (dialect) {
    case Dialect::kAnthropic:
      return {{"type", "error"}, {"error", {{"type", names.anthropic}, {"message", error.message}}}};
    case Dialect::kOllama:
      return {{"error", error.message}};
    case Dialect::kOpenAi:
      break;
  }
  return {{"error",
           {{"message", error.message},
            {"type", names.open_ai},
            {"param", or_null(error.param)},
            {"code", or_null(error.code)}}}};
}

std::string retry_after(const RequestError& error) {
  if (error.kind != RequestErrorKind::kQuota && error.kind != RequestErrorKind::kCapacity) return {};
  return fmt::format("{:.0f}", std::ceil(std::max(error.retry_after_seconds, 1.0)));
}

}  // namespace aloud
