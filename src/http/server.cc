// Accepts connections and deals them out to the I/O threads.
#include "http/server.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "base/check.h"
#include "http/connection.h"
#include "http/listener.h"
#include "http/response.h"

namespace aloud {
namespace {

constexpr double kTickSeconds = 0.2;  // how late a time limit may be noticed

ErrorBody plain_error(int status, std::string_view message, std::string_view) {
  return {"text/plain; charset=utf-8", fmt::format("{} {}: {}\n", status, reason_phrase(status), message)};
}

// One I/O thread with its connections.
class Worker {
 public:
  explicit Worker(const Site& site) : site_(site), loop_(kTickSeconds, [this] { tick(); }) {}

  EventLoop& loop() { return loop_; }

  // The rest is called on the loop's thread.
  void add(int socket, const std::shared_ptr<asio::ssl::context>& tls, Connection::Peer peer) {
    auto transport = make_transport(loop_, socket, tls);
    if (!transport) return;
    connections_.push_back(std::make_shared<Connection>(site_, loop_, std::move(transport), std::move(peer)));
    connections_.back()->start();
  }
  void drain() {
    for (const auto& connection : connections_) connection->drain();
  }
  void close() {
    for (const auto& connection : connections_) connection->close();
    connections_.clear();
  }

 private:
  void tick() {
    const auto now = Connection::Clock::now();
    std::erase_if(connections_, [&](const auto& connection) {
      if (!connection->is_closed()) connection->tick(now);
      return connection->is_closed();
    });
  }

  const Site& site_;
  std::vector<std::shared_ptr<Connection>> connections_;
  EventLoop loop_;  // the last: its thread uses all others
};

}  // namespace

struct HttpServer::Implementation {
  Implementation(HttpOptions given, std::vector<Route> routes)
      : options(std::move(given)),
        site{options.limits, Router(std::move(routes)), Access({}), options.error_body, options.on_request},
        admissions(options.limits.connections, options.behind_proxy
                                                   ? std::numeric_limits<std::size_t>::max()
                                                   : options.limits.connections_per_address) {
    if (!site.error_body) site.error_body = plain_error;
  }
  ~Implementation() {
    if (listener) close_listener();
    for (const auto& worker : workers) worker->loop().run([&] { worker->close(); });
  }

  Status start();
  Status load_certificates();
  void accept(int socket, const std::string& peer);
  void refuse(int socket) const;
  void close_listener() {
    workers.front()->loop().run([&] { listener->close(); });
  }

  const HttpOptions options;
  Site site;
  std::mutex tls_mutex;
  std::shared_ptr<asio::ssl::context> tls;  // null: plain
  Admissions admissions;
  std::vector<std::unique_ptr<Worker>> workers;
  std::size_t next_worker = 0;  // on the thread of the first worker
  std::unique_ptr<Listener> listener;
};

Status HttpServer::Implementation::load_certificates() {
  if (options.tls.certificate.empty()) return {};
  TRY_ASSIGN(auto loaded, load_tls(options.tls.certificate, options.tls.key));
  const std::lock_guard lock(tls_mutex);
  tls = std::move(loaded);
  return {};
}

Status HttpServer::Implementation::start() {
  CHECK(options.threads > 0);
  TRY(load_certificates());
  for (int i = 0; i < options.threads; ++i) workers.push_back(std::make_unique<Worker>(site));
  TRY_ASSIGN(listener, Listener::open(workers.front()->loop(), options.address, options.port));
  site.access = Access({options.behind_proxy, listener->is_loopback(), options.hosts, options.origins});
  listener->accept([this](int socket, const std::string& peer) { accept(socket, peer); });
  return {};
}

void HttpServer::Implementation::accept(int socket, const std::string& peer) {
  auto admission = admissions.admit(peer);
  if (!admission) return refuse(socket);
  std::shared_ptr<asio::ssl::context> context;
  {
    const std::lock_guard lock(tls_mutex);
    context = tls;
  }
  Worker* const worker = workers[next_worker++ % workers.size()].get();
  worker->loop().post(
      [worker, socket, context, client = Connection::Peer{peer, context != nullptr, admission}] {
        worker->add(socket, context, client);
      });
}

// As much of an answer as can be given without keeping the connection. Under TLS there is none.
void HttpServer::Implementation::refuse(int socket) const {
  if (options.tls.certificate.empty()) {
    const ErrorBody body = site.error_body(503, "too many connections", {});
    const HttpHeaders headers = {{"content-type", body.content_type}, {"retry-after", "5"}};
    const std::string answer =
        response_head(503, headers, {}, {BodyFraming::Kind::kLength, body.text.size()}, false) + body.text;
    // What is read cannot turn the close into a reset, which would cost the client the answer.
    char ignored[4096];
    while (::recv(socket, ignored, sizeof ignored, MSG_DONTWAIT) > 0) continue;
    ::send(socket, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::shutdown(socket, SHUT_WR);
  }
  ::close(socket);
}

HttpServer::HttpServer(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(HttpOptions options, std::vector<Route> routes) {
  auto implementation = std::make_unique<Implementation>(std::move(options), std::move(routes));
  TRY(implementation->start());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(implementation)));
}

std::uint16_t HttpServer::port() const { return implementation_->listener->port(); }

std::string HttpServer::url() const {
  const HttpOptions& options = implementation_->options;
  const bool everywhere = options.address == "0.0.0.0" || options.address == "::";
  const std::string host = everywhere ? "localhost" : options.address;
  return fmt::format("{}://{}:{}", options.tls.certificate.empty() ? "http" : "https",
                     host.find(':') == host.npos ? host : "[" + host + "]", port());
}

std::size_t HttpServer::connections() const { return implementation_->admissions.count(); }

Status HttpServer::reload_certificates() { return implementation_->load_certificates(); }

std::size_t HttpServer::drain(double seconds) {
  implementation_->close_listener();
  for (const auto& worker : implementation_->workers) worker->loop().run([&] { worker->drain(); });
  const std::size_t left = implementation_->admissions.wait_until_none(seconds);
  for (const auto& worker : implementation_->workers) worker->loop().run([&] { worker->close(); });
  return left;
}

}  // namespace aloud
