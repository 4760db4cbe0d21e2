// An HTTP/1.1 server: sockets to requests and event streams. It knows no JSON and no models.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/limits.h"
#include "http/reply.h"
#include "http/request.h"

namespace aloud {

// Runs on an I/O thread; must neither block nor throw: long work goes elsewhere, and the reply with it.
using HttpHandler = std::function<void(HttpRequest request, std::shared_ptr<HttpReply> reply)>;

struct Route {
  std::string method;
  // "/v1/models", "/v1/responses/{id}/events", "/assets/{path...}": {name} is one segment that is not empty,
  // {name...} is the rest of the path, which may be empty. Where several patterns match, the first segment in
  // which they differ decides: text before {name} before {name...}. GET also answers HEAD.
  std::string pattern;
  std::size_t max_body;  // bytes; a larger body is refused with 413
  HttpHandler handler;
};

// PEM files: the certificate with its chain, and its key.
struct TlsFiles {
  std::string certificate;
  std::string key;
};

// The body of an answer that the server gives by itself, such as 404.
struct ErrorBody {
  std::string content_type;
  std::string text;
};
// path is empty where the request could not be read so far. Any I/O thread.
using ErrorFormatter = std::function<ErrorBody(int status, std::string_view message, std::string_view path)>;

// One finished request, without what may be private: no query, no headers, no bodies.
struct AccessRecord {
  std::string method;   // empty where the request could not be read
  std::string pattern;  // of the route; empty where there was none
  std::string peer;
  int status = 0;  // 499: the client left before there was one
  std::uint64_t bytes_sent = 0;
  double seconds = 0;     // from the end of the request to the end of the answer
  bool complete = false;  // the whole answer was given to the system's socket
};

struct HttpOptions {
  std::string address = "127.0.0.1";  // or a name ("localhost": each of its addresses); "::" is IPv4 too
  std::uint16_t port = 8080;          // 0: a free one
  int threads = 2;
  HttpLimits limits;
  TlsFiles tls;  // empty: plain HTTP
  // The direct peer is a proxy of ours: X-Forwarded-For, -Proto and -Host are believed (their last entries).
  bool behind_proxy = false;
  // Names under which we may be called, without port, against DNS rebinding. localhost and loopback addresses
  // are always allowed, other addresses where we do not listen on loopback only; "*" allows every name.
  std::vector<std::string> hosts;
  // Pages of other origins ("https://chat.example.com") that may call us, with credentials; "*": all, without
  // credentials. Requests from other pages are refused, our own pages' are not.
  std::vector<std::string> origins;
  ErrorFormatter error_body;  // default: plain text
  // Called for every finished request on the I/O thread of its connection; must not block.
  std::function<void(const AccessRecord&)> on_request;
};

class HttpServer {
 public:
  // Listens when it returns. Errors: the address is not ours, the port is in use or not allowed, a
  // certificate that cannot be read or does not fit its key. Two routes of the same method and pattern are a
  // bug.
  static Result<std::unique_ptr<HttpServer>> start(HttpOptions options, std::vector<Route> routes);
  // Closes every connection at once; on_gone is called for the answers that were not complete. Handlers and
  // callbacks are not called any more when it returns; replies that are left do nothing.
  ~HttpServer();

  std::uint16_t port() const;
  std::string url() const;  // "http://127.0.0.1:8080"
  std::size_t connections() const;

  // Reads the certificate files again, for connections from now on. On failure the old ones stay in use.
  Status reload_certificates();

  // Accepts no more, closes idle connections at once, lets active requests end ("connection: close") for at
  // most `seconds`, then closes the rest. Blocks; returns how many had to be cut off. Not from an I/O thread.
  std::size_t drain(double seconds);

 private:
  struct Implementation;
  explicit HttpServer(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace aloud
