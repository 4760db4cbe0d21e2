// What a route of the API is: a path, who may call it, and the function that answers.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "api/error_body.h"
#include "engine/grammar_cache.h"
#include "http/reply.h"
#include "http/request.h"
#include "service/access_control.h"
#include "service/request_error.h"

namespace aloud {

struct ApiServices;

// Who may call a route.
enum class Authority {
  kAnyone,    // without a key: whether the process is up, the page itself, logging in
  kKey,       // whoever has a key, whatever it allows; on a machine's own loopback everybody
  kUser,      // a key with the scope "chat"; on loopback everybody
  kOperator,  // a key with the scope "admin"; on loopback everybody
};

// One request to be answered. Copied into whatever answers it later.
struct ApiCall {
  ApiServices& services;
  std::shared_ptr<const HttpRequest> request;
  std::shared_ptr<HttpReply> reply;
  Caller caller;

  Dialect dialect() const { return dialect_of(request->path); }
  GrammarSource grammars() const;  // the caller's
  void send(const Json& body, int status = 200) const;
  void send(const RequestError& error) const;
};

struct ApiRoute {
  std::string_view method;
  std::string_view pattern;
  Authority authority;
  std::size_t max_body;  // bytes
  // Runs on a worker thread; may keep the call and answer later.
  void (*answer)(const ApiCall& call);
};

inline constexpr std::size_t kNoBody = 0;
inline constexpr std::size_t kSmallBody = 64 << 10;
inline constexpr std::size_t kPromptBody = 64 << 20;

// Of a browser that logged in.
inline constexpr std::string_view kSessionCookie = "aloud_session";
// The value of that cookie, or empty.
std::string_view session_of(const HttpRequest& request);

// Every route, in one visible table.
std::span<const ApiRoute> api_routes();

}  // namespace aloud
