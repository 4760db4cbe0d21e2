// Binds, listens, accepts.
#include "http/listener.h"

#include <sys/socket.h>

#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>

#include "base/printable.h"

namespace aloud {
namespace {

using Tcp = asio::ip::tcp;

// Accepted in a row before others on the thread have their turn.
constexpr int kMaxAcceptsAtOnce = 64;
// Without descriptors or memory for another socket; until then connections wait in the system's queue.
constexpr auto kPauseWhenFull = std::chrono::milliseconds(100);

struct Door {
  Tcp::acceptor acceptor;
  asio::steady_timer pause;
};

std::string describe(const std::error_code& error) {
  switch (error.value()) {
    case EADDRINUSE:
      return "the port is in use by another program";
    case EACCES:
      return "this port needs privileges";
    case EADDRNOTAVAIL:
      return "that is no address of this machine";
  }
  return error.message();
}

std::error_code listen_on(Tcp::acceptor& acceptor, const Tcp::endpoint& endpoint) {
  std::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(Tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.protocol() == Tcp::v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(Tcp::acceptor::max_listen_connections, error);
  if (!error) acceptor.non_blocking(true, error);
  return error;
}

bool is_unknown_here(const std::error_code& error) {
  return error.value() == EADDRNOTAVAIL || error.value() == EAFNOSUPPORT;
}

std::string text_of(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

}  // namespace

struct Listener::Implementation : std::enable_shared_from_this<Implementation> {
  explicit Implementation(EventLoop& event_loop) : loop(event_loop) {}

  void wait(Door& door) {
    door.acceptor.async_wait(Tcp::acceptor::wait_read,
                             [self = shared_from_this(), &door](std::error_code error) {
                               if (!error) self->accept_some(door);
                             });
  }

  void accept_some(Door& door) {
    for (int i = 0; i < kMaxAcceptsAtOnce; ++i) {
      Tcp::endpoint peer;
      socklen_t size = static_cast<socklen_t>(peer.capacity());
      const int socket =
          ::accept4(door.acceptor.native_handle(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (socket >= 0) {
        accept(socket, text_of(peer.address()));
        continue;
      }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        return wait_for_room(door);
      if (errno == EAGAIN || errno == EWOULDBLOCK) break;
      // Otherwise this connection is gone before it was ours.
    }
    wait(door);
  }

  void wait_for_room(Door& door) {
    door.pause.expires_after(kPauseWhenFull);
    door.pause.async_wait([self = shared_from_this(), &door](std::error_code error) {
      if (!error) self->wait(door);
    });
  }

  EventLoop& loop;
  Accept accept;
  std::vector<Door> doors;  // where they lie does not change once it waits
};

Listener::Listener(std::shared_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::open(EventLoop& loop, const std::string& address,
                                                 std::uint16_t port) {
  auto implementation = std::make_shared<Implementation>(loop);
  std::vector<Door>& doors = implementation->doors;
  std::error_code error;
  const auto found =
      Tcp::resolver(loop.context()).resolve(address, std::to_string(port), Tcp::resolver::passive, error);
  if (error) return fail("{}: no such address: {}", printable(address), error.message());
  for (const auto& entry : found) {
    Tcp::endpoint endpoint = entry.endpoint();
    if (!doors.empty()) endpoint.port(doors.front().acceptor.local_endpoint().port());
    Door door{Tcp::acceptor(loop.context()), asio::steady_timer(loop.context())};
    error = listen_on(door.acceptor, endpoint);
    if (!error) doors.push_back(std::move(door));
    // A name may have addresses of a kind that this machine has not.
    if (error && !is_unknown_here(error)) break;
  }
  if (doors.empty() || (error && !is_unknown_here(error))) {
    return fail("{}:{}: {}", printable(address), port, describe(error));
  }
  return std::unique_ptr<Listener>(new Listener(std::move(implementation)));
}

std::uint16_t Listener::port() const {
  return implementation_->doors.front().acceptor.local_endpoint().port();
}

bool Listener::is_loopback() const {
  for (const Door& door : implementation_->doors) {
    if (!door.acceptor.local_endpoint().address().is_loopback()) return false;
  }
  return true;
}

void Listener::accept(Accept accept) {
  implementation_->accept = std::move(accept);
  implementation_->loop.post([implementation = implementation_] {
    for (Door& door : implementation->doors) implementation->wait(door);
  });
}

void Listener::close() {
  std::error_code ignored;
  for (Door& door : implementation_->doors) {
    door.acceptor.close(ignored);
    door.pause.cancel();
  }
}

}  // namespace aloud
