// Puts the parts together and brings each request to its route.
#include "api/server.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/clock.h"

namespace aloud {
namespace {

// For what was told last to reach its clients, after the time for replies is over.
constexpr double kLastWordsSeconds = 2;

std::string_view cookie(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const std::size_t end = std::min(cookies.find(';'), cookies.size());
    std::string_view part = cookies.substr(0, end);
    while (part.starts_with(' ')) part.remove_prefix(1);
    if (part.starts_with(name) && part.substr(name.size()).starts_with('='))
      return part.substr(name.size() + 1);
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return {};
}

Credentials credentials_of(const HttpRequest& request) {
  constexpr std::string_view kBearer = "Bearer ";
  std::string_view key = request.header("x-api-key");
  if (const std::string_view given = request.header("authorization"); given.starts_with(kBearer)) {
    key = given.substr(kBearer.size());
  }
  return {.key = key,
          .session = session_of(request),
          .csrf = request.header("x-csrf-token"),
          .is_write = request.method != "GET" && request.method != "HEAD"};
}

RequestResult<Caller> authorize(const AccessControl& access, const HttpRequest& request,
                                Authority authority) {
  auto caller = access.identify(credentials_of(request));
  if (!caller) return caller;
  const bool needs_chat = authority == Authority::kUser, needs_admin = authority == Authority::kOperator;
  if ((caller->may_chat || !needs_chat) && (caller->is_operator || !needs_admin)) return caller;
  return refuse(RequestErrorKind::kForbidden, "this key lacks the scope {:?}",
                needs_admin ? "admin" : "chat");
}

ErrorBody http_error(int status, std::string_view message, std::string_view path) {
  const RequestError error{kind_of_status(status), std::string(message), {}, {}, 0};
  return {"application/json", to_text(error_body(dialect_of(path), error))};
}

}  // namespace

std::string_view session_of(const HttpRequest& request) {
  return cookie(request.header("cookie"), kSessionCookie);
}

GrammarSource ApiCall::grammars() const { return {services.grammars, caller.owner}; }

void ApiCall::send(const Json& body, int status) const {
  reply->send(status, {{"Content-Type", "application/json"}}, to_text(body));
}

void ApiCall::send(const RequestError& error) const {
  HttpHeaders headers = {{"Content-Type", "application/json"}};
  if (std::string seconds = retry_after(error); !seconds.empty()) headers.push_back({"Retry-After", seconds});
  if (error.kind == RequestErrorKind::kUnauthorized) headers.push_back({"WWW-Authenticate", "Bearer"});
  reply->send(http_status(error.kind), std::move(headers), to_text(error_body(dialect(), error)));
}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, std::vector<OfferedModel> models,
                                              Store& store) {
  std::unique_ptr<Server> server(new Server(options, std::move(models), store));
  options.http.error_body = http_error;
  options.http.on_request = [self = server.get(), also = options.on_request](const AccessRecord& record) {
    self->metrics_.count_request(record.pattern, record.status);
    if (also) also(record);
  };
  std::vector<Route> routes;
  for (const ApiRoute& route : api_routes()) {
    routes.push_back({std::string(route.method), std::string(route.pattern), route.max_body,
                      [self = server.get(), &route](HttpRequest request, std::shared_ptr<HttpReply> reply) {
                        self->handle(route, std::move(request), std::move(reply));
                      }});
  }
  TRY_ASSIGN(server->http_, HttpServer::start(std::move(options.http), std::move(routes)));
  server->models_.use({}, [](const auto&) {});
  return server;
}

Server::Server(const ServerOptions& options, std::vector<OfferedModel> models, Store& store)
    : access_(store, options.needs_keys, unix_milliseconds),
      housekeeping_(store, unix_milliseconds, std::chrono::hours(1),
                    [this, also = options.on_failure](const StoreError& error) {
                      metrics_.count_store_failure("purge");
                      if (also) also("what was deleted is not erased yet: " + error.message);
                    }),
      models_(std::move(models), options.idle_seconds),
      services_{models_,
                grammars_,
                replies_,
                keeper_,
                store,
                access_,
                metrics_,
                background_,
                is_draining_,
                options.version,
                options.response_retention},
      keeper_(store, [this] { metrics_.count_store_failure("reply"); }),
      replies_(models_) {}

Server::~Server() { http_.reset(); }

std::size_t Server::drain(double seconds) {
  is_draining_ = true;
  const double end = steady_seconds() + seconds;
  const std::size_t interrupted = replies_.drain(seconds);
  // What the ends of replies still store and tell.
  std::promise<void> told;
  background_.post([&] { told.set_value(); });
  told.get_future().wait();
  keeper_.settle();
  return interrupted + http_->drain(std::max(kLastWordsSeconds, end - steady_seconds()));
}

void Server::handle(const ApiRoute& route, HttpRequest request, std::shared_ptr<HttpReply> reply) {
  ApiCall call{services_, std::make_shared<const HttpRequest>(std::move(request)), std::move(reply), {}};
  // What anyone may ask is answered at once, also when all workers are busy.
  if (route.authority == Authority::kAnyone) return route.answer(call);
  workers_.post([this, &route, call = std::move(call)]() mutable {
    auto caller = authorize(access_, *call.request, route.authority);
    if (!caller) return call.send(caller.error());
    call.caller = std::move(*caller);
    route.answer(call);
  });
}

}  // namespace aloud
