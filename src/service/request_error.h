// Why a request cannot be served: one kind of error from its parsing to its end, told by each dialect in its
// own words.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "base/result.h"

namespace aloud {

enum class RequestErrorKind {
  kInvalid,       // 400
  kUnauthorized,  // 401: no key, or one that is not known
  kForbidden,     // 403: a key that may not do this
  kNotFound,      // 404
  kConflict,      // 409
  kTooLarge,      // 413
  kQuota,         // 429: the caller has used up its share
  kCapacity,      // 503: the machine has
  kStorageFull,   // 507
  kInternal,      // 500
};

// The code of the error of a reply that the end of the server cut off.
inline constexpr char kInterruptedCode[] = "interrupted";

struct RequestError {
  RequestErrorKind kind = RequestErrorKind::kInternal;
  std::string message;             // for a person: what was found and what was expected
  std::string param;               // the field that is wrong, such as "messages[0].content", or empty
  std::string code;                // for programs, such as "context_length_exceeded", or empty
  double retry_after_seconds = 0;  // with kQuota and kCapacity; 0: not known
};

template <class T>
using RequestResult = tl::expected<T, RequestError>;

// return refuse(RequestErrorKind::kNotFound, "there is no model {}", name);
template <class... Arguments>
tl::unexpected<RequestError> refuse(RequestErrorKind kind, fmt::format_string<Arguments...> format,
                                    Arguments&&... arguments) {
  return tl::unexpected(
      RequestError{kind, fmt::format(format, std::forward<Arguments>(arguments)...), {}, {}, 0});
}

}  // namespace aloud
