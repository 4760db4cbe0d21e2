// Whom the server listens to: the names it is called by (against DNS rebinding), the pages that may call it
// (CORS), and what a proxy of ours says about a client.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.h"

namespace aloud {

// Immutable; any thread.
class Access {
 public:
  struct Options {  // see HttpOptions
    bool behind_proxy = false;
    bool loopback = true;  // we listen on loopback addresses only
    std::vector<std::string> hosts;
    std::vector<std::string> origins;
  };
  explicit Access(Options options);

  // Completes the request: host, and behind a proxy also peer and secure. authority: of the target, or empty.
  // Refused: 400 for a malformed host, 421 for a name that is not ours, 403 for a page of a foreign origin.
  std::optional<HttpRefusal> check(HttpRequest& request, std::string_view authority) const;

  // What the answer to a request that was let in tells the browser about other origins; often nothing.
  HttpHeaders cors_headers(const HttpRequest& request) const;
  // The request asks whether another one may be sent. The answer is 204 with these headers.
  static bool is_preflight(const HttpRequest& request);
  HttpHeaders preflight_headers(const HttpRequest& request, const std::string& allowed_methods) const;

 private:
  bool is_our_name(std::string_view name) const;
  bool is_listed(std::string_view origin) const;

  Options options_;
  bool every_host_;
  bool every_origin_;
};

}  // namespace aloud
