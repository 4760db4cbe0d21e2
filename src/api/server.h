// The server: models, replies, store and access behind HTTP.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/services.h"
#include "http/server.h"
#include "service/housekeeping.h"

namespace aloud {

struct ServerOptions {
  HttpOptions http;  // its error bodies and access records are the server's to set
  bool needs_keys = false;
  double idle_seconds = 0;  // see ModelRegistry
  std::string version;
  // Stored responses go after so long; 0: never.
  std::chrono::milliseconds response_retention = std::chrono::days(30);
  // What the operator should know, in words; may be empty. Threads of the server.
  std::function<void(std::string_view)> on_failure;
  // For every finished request, besides the metrics; may be empty. I/O threads.
  std::function<void(const AccessRecord&)> on_request;
};

// Owns its parts; ends in the order that they need.
class Server {
 public:
  // Listens when it returns; the default model begins to load. The store must outlive it. Errors: those of
  // HttpServer::start().
  static Result<std::unique_ptr<Server>> start(ServerOptions options, std::vector<OfferedModel> models,
                                               Store& store);
  ~Server();

  std::string url() const { return http_->url(); }
  ModelRegistry& models() { return models_; }

  // Not ready from now on: refuses new replies with 503, lets those that run end for so many seconds, then
  // interrupts them. What they end with is stored and told before the connections close. Blocks. Returns how
  // many replies and connections had to be cut off.
  std::size_t drain(double seconds);
  Status reload_certificates() { return http_->reload_certificates(); }

 private:
  Server(const ServerOptions& options, std::vector<OfferedModel> models, Store& store);
  void handle(const ApiRoute& route, HttpRequest request, std::shared_ptr<HttpReply> reply);

  AccessControl access_;
  Metrics metrics_;
  Housekeeping housekeeping_;
  std::atomic<bool> is_draining_ = false;
  ModelRegistry models_;
  GrammarCache grammars_;
  ApiServices services_;
  ReplyKeeper keeper_;
  TaskQueue background_{1};
  ReplyService replies_;  // its end waits for replies, which are counted and stored by those above
  TaskQueue workers_{4};  // few: they render and encode prompts, and wait for the store
  std::unique_ptr<HttpServer> http_;
};

}  // namespace aloud
