// The answer to one request: complete at once, or a stream that grows.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/request.h"

namespace aloud {

class Exchange;

// Handlers get it as a shared_ptr and may keep it; every method may be called from any thread and none
// blocks. Either send() once, or begin(), write()..., finish(). When the last pointer goes away before that,
// the client gets status 500, or its stream is cut off so that it can tell. After the client has left, calls
// do nothing.
//
// The server adds date, content-length or transfer-encoding, connection, allow and CORS headers. Control
// characters in names and values become spaces, so no header can smuggle in another.
class HttpReply {
 public:
  explicit HttpReply(std::shared_ptr<Exchange> exchange);
  ~HttpReply();
  HttpReply(const HttpReply&) = delete;
  HttpReply& operator=(const HttpReply&) = delete;

  void send(int status, const HttpHeaders& headers, std::string_view body);

  // keep_alive: bytes that the server writes by itself whenever the stream was silent for
  // HttpLimits::silence_seconds, for a proxy to see that it lives (an SSE comment); empty: none.
  void begin(int status, const HttpHeaders& headers, std::string keep_alive = {});
  // False: the client is gone, or did not read for so long that HttpLimits::unsent_bytes wait already; then
  // the connection is closed. Bytes arrive in the order of the calls.
  // A HEAD request needs no stream: begin() is the whole answer, and write() returns false.
  bool write(std::string_view bytes);
  void finish();

  // Called once, on an I/O thread, if the client is lost before the answer is complete (it left, read too
  // slowly, or the server closes); must not block. If it is lost already, called before on_gone returns. A
  // client that shuts down its sending half counts as lost. Dropped when the answer is complete. Replaces
  // what was set before.
  void on_gone(std::function<void()> callback);

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace aloud
