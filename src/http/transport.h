// The bytes of one connection, plain or under TLS.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/event_loop.h"

namespace asio::ssl {
class context;
}

namespace aloud {

// Every call and every callback is on the thread of its loop. A callback may come after close(); it must own
// whatever it uses, the transport included.
class Transport {
 public:
  using Done = std::function<void(bool ok)>;

  virtual ~Transport() = default;
  virtual void handshake(Done done) = 0;
  // Takes what came, valid during the call; nothing: the end, or an error. One read at a time.
  virtual void read(std::function<void(std::string_view)> take) = 0;
  // The bytes must stay until done. One write at a time, beside a read.
  virtual void write(std::string_view bytes, Done done) = 0;
  // Tells the peer that nothing more will be written; beside a read.
  virtual void end(Done done) = 0;
  virtual void close() = 0;
  // As close(), and forgets what the peer has not read yet.
  virtual void abort() = 0;
};

// Takes a connected socket over. tls: null for plain bytes.
std::unique_ptr<Transport> make_transport(EventLoop& loop, int socket,
                                          const std::shared_ptr<asio::ssl::context>& tls);

// A server's end of TLS 1.2 or later, from PEM files. Errors name the file.
Result<std::shared_ptr<asio::ssl::context>> load_tls(const std::string& certificate_path,
                                                     const std::string& key_path);

}  // namespace aloud
