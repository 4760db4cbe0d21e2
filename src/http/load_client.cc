// Sockets of Asio in one loop.
#include "http/load_client.h"

#include <fmt/format.h>

#include <array>
#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <chrono>
#include <unordered_set>
#include <utility>

#include "base/printable.h"
#include "http/response_reader.h"

namespace aloud {
namespace {

using Tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;

}  // namespace

struct LoadClient::Implementation {
  class Call;

  Tcp::resolver::results_type endpoints;
  std::string authority;
  const Clock::time_point begin = Clock::now();
  std::unordered_set<Call*> calls;                 // under way
  std::unordered_set<asio::steady_timer*> timers;  // of tasks
  asio::io_context context{1};                     // the last: it destroys the calls and timers that are left
};

// One request. Its pending operations keep it.
class LoadClient::Implementation::Call : public std::enable_shared_from_this<Call> {
 public:
  Call(Implementation& client, std::string request, Callbacks callbacks)
      : client_(client),
        socket_(client.context),
        request_(std::move(request)),
        callbacks_(std::move(callbacks)) {
    client_.calls.insert(this);
  }
  ~Call() { client_.calls.erase(this); }

  void start() {
    asio::async_connect(socket_, client_.endpoints,
                        [self = shared_from_this()](std::error_code error, const auto&) {
                          if (error) return self->end(false);
                          std::error_code ignored;
                          self->socket_.set_option(Tcp::no_delay(true), ignored);
                          self->write();
                        });
  }
  void cancel() {
    std::error_code ignored;
    socket_.close(ignored);
  }

 private:
  void write() {
    asio::async_write(socket_, asio::buffer(request_),
                      [self = shared_from_this()](std::error_code error, std::size_t) {
                        if (error) return self->end(false);
                        self->read();
                      });
  }

  void read() {
    socket_.async_read_some(asio::buffer(buffer_),
                            [self = shared_from_this()](std::error_code error, std::size_t size) {
                              self->take(error, std::string_view(self->buffer_.data(), size));
                            });
  }

  void take(std::error_code error, std::string_view bytes) {
    bool good = !error;
    if (error == asio::error::eof) reader_.end();
    if (good) {
      std::string body;
      good = reader_.feed(bytes, [&](std::string_view piece) { body += piece; });
      if (reader_.has_head() && !std::exchange(told_head_, true)) {
        callbacks_.on_head(reader_.status(), reader_.headers());
      }
      if (!body.empty()) callbacks_.on_body(body);
    }
    if (reader_.is_done()) return end(true);
    if (!good || !socket_.is_open()) return end(false);
    read();
  }

  void end(bool complete) {
    cancel();
    callbacks_.on_end(complete);
  }

  Implementation& client_;
  Tcp::socket socket_;
  const std::string request_;
  const Callbacks callbacks_;
  ResponseReader reader_;
  bool told_head_ = false;
  std::array<char, 16384> buffer_;
};

LoadClient::LoadClient(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
LoadClient::LoadClient(LoadClient&&) noexcept = default;
LoadClient::~LoadClient() = default;

Result<LoadClient> LoadClient::create(const std::string& url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return fail("{}: expected http://HOST:PORT", printable(url));
  auto implementation = std::make_unique<Implementation>();
  implementation->authority = url.substr(kScheme.size(), url.find('/', kScheme.size()) - kScheme.size());
  std::string host = implementation->authority, port = "80";
  const std::size_t colon = host.rfind(':');
  if (colon != host.npos && host.find(']', colon) == host.npos) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::error_code error;
  implementation->endpoints = Tcp::resolver(implementation->context).resolve(host, port, error);
  if (error) return fail("{}: no such address: {}", printable(url), error.message());
  return LoadClient(std::move(implementation));
}

void LoadClient::post(std::string_view path, const HttpHeaders& headers, std::string_view body,
                      Callbacks callbacks) {
  std::string request =
      fmt::format("POST {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", path, implementation_->authority);
  for (const HttpField& field : headers) request += fmt::format("{}: {}\r\n", field.name, field.value);
  request += fmt::format("Content-Length: {}\r\n\r\n{}", body.size(), body);
  std::make_shared<Implementation::Call>(*implementation_, std::move(request), std::move(callbacks))->start();
}

double LoadClient::now() const {
  return std::chrono::duration<double>(Clock::now() - implementation_->begin).count();
}

void LoadClient::at(double seconds, std::function<void()> task) {
  const auto delay = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  auto timer = std::make_shared<asio::steady_timer>(implementation_->context, implementation_->begin + delay);
  implementation_->timers.insert(timer.get());
  timer->async_wait([timer, task = std::move(task), client = implementation_.get()](std::error_code error) {
    client->timers.erase(timer.get());
    if (!error) task();
  });
}

void LoadClient::run() {
  implementation_->context.restart();
  implementation_->context.run();
}

void LoadClient::stop() {
  for (Implementation::Call* call : implementation_->calls) call->cancel();
  for (asio::steady_timer* timer : implementation_->timers) timer->cancel();
}

}  // namespace aloud
