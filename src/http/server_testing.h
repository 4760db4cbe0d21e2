// A client for tests: a plain socket, and answers taken apart.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "http/request.h"
#include "http/server.h"

namespace aloud {

// No test waits longer for anything.
inline constexpr int kHangSeconds = 100;

struct Answer {
  int status = 0;  // 0: the connection was closed before a whole answer was there
  HttpHeaders headers;
  std::string body;

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
};

class TestClient {
 public:
  explicit TestClient(std::uint16_t port, int receive_buffer = 0) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval hang = {kHangSeconds, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &hang, sizeof hang);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &hang, sizeof hang);
    if (receive_buffer > 0) {
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~TestClient() { close(); }
  TestClient(TestClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), pending_(std::move(other.pending_)) {}

  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  // As a machine that crashes and comes back: the peer gets a reset.
  void reset() {
    const linger now = {1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void end() { ::shutdown(socket_, SHUT_WR); }

  // False: the peer does not take it.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }
  void get(std::string_view target, std::string_view more = {}) {
    send("GET " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) + "\r\n");
  }

  // Up to and with `end`; what there was if the connection ends before.
  std::string read_until(std::string_view end) {
    std::size_t found;
    while ((found = pending_.find(end)) == pending_.npos) {
      if (!receive()) return std::exchange(pending_, {});
    }
    std::string out = pending_.substr(0, found + end.size());
    pending_.erase(0, out.size());
    return out;
  }
  std::string read_bytes(std::size_t size) {
    while (pending_.size() < size && receive()) continue;
    std::string out = pending_.substr(0, size);
    pending_.erase(0, out.size());
    return out;
  }
  std::string read_all() {
    while (receive()) continue;
    return std::exchange(pending_, {});
  }
  // The peer closes without another byte.
  bool is_closed() { return read_all().empty(); }

  Answer read_head() {
    Answer answer;
    const std::string head = read_until("\r\n\r\n");
    if (!head.ends_with("\r\n\r\n") || !head.starts_with("HTTP/1.1 ")) return answer;
    answer.status = std::atoi(head.c_str() + 9);
    for (std::size_t begin = head.find("\r\n") + 2; begin + 2 < head.size();) {
      const std::size_t end = head.find("\r\n", begin), colon = head.find(": ", begin);
      answer.headers.push_back({head.substr(begin, colon - begin), head.substr(colon + 2, end - colon - 2)});
      begin = end + 2;
    }
    return answer;
  }
  // One chunk; empty: the last one, or none.
  std::string read_chunk() {
    const std::size_t size = std::strtoul(read_until("\r\n").c_str(), nullptr, 16);
    std::string out = read_bytes(size);
    read_until("\r\n");
    return out;
  }
  // head_only: the answer to HEAD.
  Answer read_answer(bool head_only = false) {
    Answer answer = read_head();
    if (head_only || answer.status == 204 || answer.status == 304) return answer;
    if (answer.header("transfer-encoding") == "chunked") {
      for (std::string piece = read_chunk(); !piece.empty(); piece = read_chunk()) answer.body += piece;
    } else if (const std::string_view length = answer.header("content-length"); !length.empty()) {
      answer.body = read_bytes(std::strtoul(std::string(length).c_str(), nullptr, 10));
    } else {
      answer.body = read_all();
    }
    return answer;
  }

  int socket() const { return socket_; }

 private:
  bool receive() {
    char bytes[16384];
    const ssize_t size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    pending_.append(bytes, static_cast<std::size_t>(size));
    return true;
  }

  int socket_ = -1;
  std::string pending_;
};

// On a free port of the loopback.
inline std::unique_ptr<HttpServer> start_server(std::vector<Route> routes, HttpOptions options = {}) {
  options.port = 0;
  auto server = HttpServer::start(std::move(options), std::move(routes));
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

}  // namespace aloud
