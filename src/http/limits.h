// Every bound on what a client may take from the HTTP server.
#pragma once

#include <cstddef>

namespace aloud {

struct HttpLimits {
  std::size_t request_line_bytes = 8 << 10;  // else 414
  std::size_t head_bytes = 32 << 10;         // request line and headers, else 431
  std::size_t headers = 100;                 // else 431
  // What a client may send before it has its answer; more closes the connection.
  std::size_t ahead_bytes = 64 << 10;
  // What may wait for a client that does not read, besides the last write; more closes the connection.
  std::size_t unsent_bytes = 1 << 20;
  std::size_t connections = 16'000;  // more get 503
  // More get 503. An IPv6 address counts by its /64. Not used behind a proxy.
  std::size_t connections_per_address = 1'024;
  double head_seconds = 10;   // from the first byte to the end of the headers, else 408; for a TLS handshake
  double body_seconds = 10;   // for each 64 KiB of a body, else 408
  double idle_seconds = 75;   // that a connection is kept between requests
  double write_seconds = 10;  // for each 64 KiB of an answer
  double silence_seconds = 15;  // of a stream, before a sign of life is written
};

}  // namespace aloud
