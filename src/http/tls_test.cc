// Tests of the server under TLS, with certificates that the test makes and OpenSSL as the client.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <thread>

#include "http/server_testing.h"

namespace aloud {
namespace {

class Tls : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_);
    make_certificate("first");
    make_certificate("second");
    use("first");
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  void make_certificate(const std::string& name) {
    const std::string command = fmt::format(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={} "
        "-keyout {} -out {} 2>/dev/null",
        name, path(name + ".key"), path(name + ".crt"));
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  void use(const std::string& name) {
    for (const char* kind : {".key", ".crt"}) {
      std::filesystem::copy_file(path(name + kind), path(std::string("live") + kind),
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }
  HttpOptions options() const {
    HttpOptions options;
    options.tls = {path("live.crt"), path("live.key")};
    return options;
  }

 private:
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("aloud-tls-test-{}", ::getpid());
};

// TLS over a TestClient's socket.
class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int version = TLS1_3_VERSION) : client_(port) {
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_set_cipher_list(context_.get(), "ALL:@SECLEVEL=0");
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), client_.socket());
    static constexpr unsigned char kOffered[] = "\x02h2\x08http/1.1";
    SSL_set_alpn_protos(ssl_.get(), kOffered, sizeof kOffered - 1);
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  bool connected() const { return connected_; }
  std::string protocol() const {
    const unsigned char* data = nullptr;
    unsigned int size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &data, &size);
    return std::string(reinterpret_cast<const char*>(data), size);
  }
  std::string certificate_name() const {
    char name[100] = {};
    X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    return name;
  }
  void send(const std::string& text) { SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())); }
  std::string read_until(std::string_view end) {
    std::string out;
    char bytes[16384];
    while (out.find(end) == out.npos) {
      const int size = SSL_read(ssl_.get(), bytes, sizeof bytes);
      if (size <= 0) break;
      out.append(bytes, static_cast<std::size_t>(size));
    }
    return out;
  }
  void close() { client_.close(); }

 private:
  struct Free {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  TestClient client_;
  std::unique_ptr<SSL_CTX, Free> context_{SSL_CTX_new(TLS_client_method())};
  std::unique_ptr<SSL, Free> ssl_;
  bool connected_ = false;
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

std::vector<Route> tls_routes() {
  return {{"GET", "/", 0,
           [](const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
             reply->send(200, {},
                         std::string(request.secure ? "secure" : "plain") + std::string(1'000'000, 'x'));
           }},
          {"POST", "/", 1'000'000, [](const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
             reply->send(200, {}, fmt::format("{} bytes.", request.body.size()));
           }}};
}

TEST_F(Tls, AnswersVersions12And13Only) {
  const auto server = start_server(tls_routes(), options());
  EXPECT_TRUE(server->url().starts_with("https://127.0.0.1:"));
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server->port(), version);
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.protocol(), "http/1.1");
    client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" +
                std::string(300'000, 'x'));
    EXPECT_TRUE(client.read_until("bytes.").ends_with("300000 bytes."));
    client.send(kGet);
    const std::string answer = client.read_until("nothing that comes");
    EXPECT_NE(answer.find("\r\n\r\nsecure"), std::string::npos);
    EXPECT_GT(answer.size(), 1'000'000u);
  }
  EXPECT_FALSE(TlsClient(server->port(), TLS1_1_VERSION).connected());
}

TEST_F(Tls, PlainAndSilentClientsAreClosed) {
  HttpOptions impatient = options();
  impatient.limits.head_seconds = 0.3;
  const auto server = start_server(tls_routes(), impatient);
  TestClient plain(server->port()), silent(server->port());
  plain.get("/");
  plain.read_all();
  EXPECT_TRUE(silent.is_closed());
}

TEST_F(Tls, ThreadsNoticeAClientThatLeaves) {
  std::atomic<bool> gone = false;
  std::atomic<bool> came = false;
  std::mutex mutex;
  std::shared_ptr<HttpReply> kept;
  const auto server = start_server({{"GET", "/", 0,
                                     [&](const HttpRequest&, const std::shared_ptr<HttpReply>& reply) {
                                       const std::lock_guard lock(mutex);
                                       kept = reply;
                                       reply->on_gone([&] { gone = true; });
                                       reply->begin(200, {});
                                       came = true;
                                     }}},
                                   options());
  TlsClient client(server->port());
  client.send(kGet);
  client.read_until("\r\n\r\n");
  {
    const std::lock_guard lock(mutex);
    kept->write("event");
  }
  client.read_until("event");
  client.close();
  while (!gone) std::this_thread::yield();
}

TEST_F(Tls, CertificatesAreReadAgain) {
  const auto server = start_server(tls_routes(), options());
  EXPECT_EQ(TlsClient(server->port()).certificate_name(), "first");
  use("second");
  EXPECT_EQ(TlsClient(server->port()).certificate_name(), "first");
  EXPECT_TRUE(server->reload_certificates());
  EXPECT_EQ(TlsClient(server->port()).certificate_name(), "second");
  std::filesystem::remove(path("live.key"));
  EXPECT_FALSE(server->reload_certificates());
  EXPECT_EQ(TlsClient(server->port()).certificate_name(), "second");
}

TEST_F(Tls, SaysWhichFileIsWrong) {
  const auto message = [&](const std::string& certificate, const std::string& key) {
    HttpOptions bad = options();
    bad.tls = {path(certificate), path(key)};
    bad.port = 0;
    const auto server = HttpServer::start(bad, {});
    return server ? "" : server.error().message;
  };
  EXPECT_TRUE(message("none.crt", "first.key").starts_with(path("none.crt")));
  EXPECT_TRUE(message("first.crt", "none.key").starts_with(path("none.key")));
  EXPECT_TRUE(message("first.crt", "second.key").starts_with(path("second.key")));
  EXPECT_TRUE(message("first.key", "first.key").starts_with(path("first.key")));
}

}  // namespace
}  // namespace aloud
