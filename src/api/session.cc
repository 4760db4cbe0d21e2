// /v1/session: a browser logs in with a key and gets a cookie that its scripts cannot read.
#include <utility>

#include "api/routes.h"
#include "api/services.h"

namespace aloud {
namespace {

Json session_json(const Caller& caller, std::string_view session) {
  Json json = {{"owner", caller.owner},
               {"may_chat", caller.may_chat},
               {"is_operator", caller.is_operator},
               {"needs_key", caller.key.has_value()}};
  // To be sent as X-CSRF-Token with every write.
  json["csrf_token"] = session.empty() ? Json(nullptr) : Json(csrf_token(session));
  return json;
}

// seconds 0: the browser forgets the cookie.
HttpField session_cookie(const HttpRequest& request, std::string_view session, std::int64_t seconds) {
  return {"Set-Cookie", fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", kSessionCookie,
                                    session, seconds, request.secure ? "; Secure" : "")};
}

void log_in(const ApiCall& call, const std::string& key) {
  auto session = call.services.access.log_in(key);
  if (!session) return call.send(session.error());
  const auto caller = call.services.access.identify({.session = *session});
  if (!caller) return call.send(caller.error());
  call.reply->send(200,
                   {{"Content-Type", "application/json"},
                    session_cookie(*call.request, *session, AccessControl::kSessionSeconds)},
                   to_text(session_json(*caller, *session)));
}

}  // namespace

void answer_log_in(const ApiCall& call) {
  auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  std::string key = fields.required_string("key");
  if (fields.error()) return call.send(*fields.error());
  // The store waits for the disk; this thread must not.
  call.services.background.post([call, key = std::move(key)] { log_in(call, key); });
}

void answer_session(const ApiCall& call) { call.send(session_json(call.caller, session_of(*call.request))); }

void answer_log_out(const ApiCall& call) {
  call.services.access.log_out(session_of(*call.request));
  call.reply->send(200, {{"Content-Type", "application/json"}, session_cookie(*call.request, "", 0)},
                   to_text({{"logged_in", false}}));
}

}  // namespace aloud
