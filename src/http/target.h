// The target of a request line, taken apart and decoded strictly (RFC 3986, RFC 9112 3.2).
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "http/request.h"

namespace aloud {

struct HttpTarget {
  std::vector<std::string> segments;  // between the slashes, decoded: "/a%2Fb/" is "a/b", ""
  std::vector<HttpField> query;
  std::string authority;  // of "http://host:port/path"; empty for "/path"

  std::string path() const;  // the segments, each after a '/'
};

// "/path?query" or "http://host/path?query". Refused with 400: a malformed percent sign, what does not decode
// to UTF-8 without control characters (the query may have line ends and tabs), a segment "." or "..", a
// fragment.
tl::expected<HttpTarget, HttpRefusal> parse_target(std::string_view target);

}  // namespace aloud
