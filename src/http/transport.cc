// Sockets of Asio, with or without OpenSSL between.
#include "http/transport.h"

#include <netinet/tcp.h>
#include <openssl/ssl.h>

#include <array>
#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>
#include <cstring>
#include <utility>

#include "base/printable.h"

namespace aloud {
namespace {

using Tcp = asio::ip::tcp;

// Read at once; TLS has buffers of its own besides. Small, since each idle connection has one.
constexpr std::size_t kReadBytes = 4096;
// What the system keeps for a peer that does not read, besides what is under way; else up to megabytes.
constexpr int kMaxUnsentInSystem = 128 << 10;
// A peer that says nothing at all any more, not even to the system's probes, is given up after about this
// time.
constexpr int kDeadPeerSeconds = 30;

void set_option(int socket, int level, int name, int value) {
  ::setsockopt(socket, level, name, &value, sizeof value);
}

// Tokens leave as they come; a peer whose machine is gone is noticed although nothing is written.
void prepare(int socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kMaxUnsentInSystem);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, kDeadPeerSeconds / 2);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, kDeadPeerSeconds / 6);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kDeadPeerSeconds * 1000);
}

// Stream: a socket, or TLS over one.
template <class Stream>
class StreamTransport : public Transport {
 public:
  template <class... Arguments>
  explicit StreamTransport(Arguments&&... arguments) : stream_(std::forward<Arguments>(arguments)...) {}

  void read(std::function<void(std::string_view)> take) override {
    stream_.async_read_some(asio::buffer(buffer_),
                            [this, take = std::move(take)](std::error_code error, std::size_t size) {
                              take(error ? std::string_view() : std::string_view(buffer_.data(), size));
                            });
  }

  void write(std::string_view bytes, Done done) override {
    asio::async_write(stream_, asio::buffer(bytes),
                      [done = std::move(done)](std::error_code error, std::size_t) { done(!error); });
  }

  void close() override {
    std::error_code ignored;
    socket().close(ignored);
  }

  void abort() override {
    std::error_code ignored;
    socket().set_option(Tcp::socket::linger(true, 0), ignored);
    close();
  }

 protected:
  Tcp::socket::lowest_layer_type& socket() { return stream_.lowest_layer(); }

  Stream stream_;

 private:
  std::array<char, kReadBytes> buffer_;
};

class PlainTransport : public StreamTransport<Tcp::socket> {
 public:
  using StreamTransport::StreamTransport;

  void handshake(Done done) override { done(true); }
  void end(Done done) override {
    std::error_code error;
    stream_.shutdown(Tcp::socket::shutdown_send, error);
    done(!error);
  }
};

class TlsTransport : public StreamTransport<asio::ssl::stream<Tcp::socket>> {
 public:
  TlsTransport(Tcp::socket socket, std::shared_ptr<asio::ssl::context> context)
      : StreamTransport(std::move(socket), *context), context_(std::move(context)) {}

  void handshake(Done done) override {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [done = std::move(done)](std::error_code error) { done(!error); });
  }
  void end(Done done) override {
    stream_.async_shutdown([done = std::move(done)](std::error_code error) { done(!error); });
  }

 private:
  std::shared_ptr<asio::ssl::context> context_;
};

// Of the protocols that a client offers, ours.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  static constexpr unsigned char kHttp[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, size, kHttp, sizeof kHttp - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

std::unique_ptr<Transport> make_transport(EventLoop& loop, int socket,
                                          const std::shared_ptr<asio::ssl::context>& tls) {
  prepare(socket);
  Tcp::socket connected(loop.context());
  std::error_code error;
  // The address family matters to no call that follows.
  connected.assign(Tcp::v6(), socket, error);
  if (error) {
    ::close(socket);
    return nullptr;
  }
  if (tls) return std::make_unique<TlsTransport>(std::move(connected), tls);
  return std::make_unique<PlainTransport>(std::move(connected));
}

Result<std::shared_ptr<asio::ssl::context>> load_tls(const std::string& certificate_path,
                                                     const std::string& key_path) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
  std::error_code error;
  context->use_certificate_chain_file(certificate_path, error);
  if (error) {
    return fail("{}: no certificate in PEM form could be read: {}", printable(certificate_path),
                error.message());
  }
  context->use_private_key_file(key_path, asio::ssl::context::pem, error);
  if (error) return fail("{}: no key of that certificate: {}", printable(key_path), error.message());
  return context;
}

}  // namespace aloud
