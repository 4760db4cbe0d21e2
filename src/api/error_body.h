// How each family of clients is told of an error.
#pragma once

#include <string>
#include <string_view>

#include "api/json_fields.h"
#include "service/request_error.h"

namespace aloud {

enum class Dialect { kOpenAi, kAnthropic, kOllama };

// By the route: /v1/messages... is Anthropic's, /api/... Ollama's.
Dialect dialect_of(std::string_view path);

int http_status(RequestErrorKind kind);
RequestErrorKind kind_of_status(int status);

Json error_body(Dialect dialect, const RequestError& error);

// Seconds for Retry-After, at least 1; empty where the error has none.
std::string retry_after(const RequestError& error);

}  // namespace aloud
