// The sockets on which a server waits for connections.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "http/event_loop.h"

namespace aloud {

class Listener {
 public:
  // Takes a connected, non-blocking socket, which it now owns, and the address of its peer without port.
  // Called on the loop's thread.
  using Accept = std::function<void(int socket, const std::string& peer)>;

  // address: numbers or a name, whose every address is listened on. port 0: a free one. Connections queue up
  // until accept(). Errors: the address is not ours, the port is in use or not allowed.
  static Result<std::unique_ptr<Listener>> open(EventLoop& loop, const std::string& address,
                                                std::uint16_t port);
  // REQUIRES: close() was called.
  ~Listener();

  std::uint16_t port() const;
  bool is_loopback() const;    // every address is
  void accept(Accept accept);  // once
  // On the loop's thread. Nothing is accepted any more.
  void close();

 private:
  struct Implementation;
  explicit Listener(std::shared_ptr<Implementation> implementation);
  std::shared_ptr<Implementation> implementation_;
};

}  // namespace aloud
