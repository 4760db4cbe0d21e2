// What a client asks: one HTTP request that was read completely and checked.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace aloud {

struct HttpField {
  std::string name;
  std::string value;
};
// In the order of the message. Names are compared without regard to case.
using HttpHeaders = std::vector<HttpField>;

// The value of the first field of that name; empty if there is none.
std::string_view find_header(const HttpHeaders& headers, std::string_view name);

// Why a request gets no answer from a handler: an HTTP status and one sentence for a person.
struct HttpRefusal {
  int status;
  std::string message;
};

struct HttpRequest {
  std::string method;  // "GET"; as it was sent, methods are told apart by case
  std::string path;    // percent-decoded valid UTF-8, begins with '/', without "." and ".."
  std::vector<std::string>
      parameters;  // what the {names} of the route's pattern stand for, decoded, in order
  std::vector<HttpField> query_fields;  // decoded, in order
  HttpHeaders headers;
  std::string body;
  std::string peer;  // the client's address without port; with behind_proxy as the proxy tells it
  std::string host;  // "example.com" or "localhost:8080", in lower case: what the client thinks we are called
  bool secure = false;  // the client speaks TLS, with us or with the proxy

  // Empty if there is none.
  std::string_view header(std::string_view name) const { return find_header(headers, name); }
  // The first value of that name in the query.
  std::optional<std::string> query(std::string_view name) const;
};

}  // namespace aloud
