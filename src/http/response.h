// How an answer is written: status line, headers, chunks (RFC 9112).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "http/request.h"

namespace aloud {

// How the bytes of a body are told from what follows them.
struct BodyFraming {
  enum class Kind { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  std::size_t bytes = 0;  // of kLength
};

// A complete head with its empty line. Control characters in names and values become spaces.
std::string response_head(int status, const HttpHeaders& headers, const HttpHeaders& more,
                          BodyFraming framing, bool keep_alive);
// 204, 304 and 1xx have no body, whatever was asked for.
bool may_have_body(int status);

std::string_view reason_phrase(int status);

// REQUIRES: not empty, since an empty chunk ends the body.
std::string chunk(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace aloud
