// Where the answer to one request passes from those who make it (any thread) to its connection (I/O thread).
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <string>

#include "http/request.h"
#include "http/response.h"

namespace aloud {

// Shared by an HttpReply and its connection.
class Exchange {
 public:
  struct Terms {
    bool head_only = false;  // HEAD: the body is left out
    bool http_1_0 = false;   // no chunks; a stream ends with the connection
    bool keep_alive = true;
    std::size_t max_unsent = 0;  // bytes of a stream that may wait
    HttpHeaders headers;         // added to the handler's
  };
  // wake: lets the connection call take() soon, on its thread; called with a lock held, it must only post.
  Exchange(Terms terms, std::function<void()> wake);

  // Any thread; see HttpReply.
  void send(int status, const HttpHeaders& headers, std::string_view body);
  void begin(int status, const HttpHeaders& headers, std::string keep_alive);
  bool write(std::string_view bytes);
  void finish();
  void on_gone(std::function<void()> callback);
  void abandon();  // nobody will answer any more

  // I/O thread.
  enum class Progress {
    kOpen,       // more will come
    kComplete,   // this was the end of the answer
    kAbandoned,  // nothing was answered, and nobody will
    kCut,        // the end of the stream will never come
  };
  struct Output {
    std::string bytes;
    Progress progress;
  };
  // What is to be sent next. What was taken before counts as sent.
  Output take();
  bool is_overrun() const;   // the client reads too slowly
  bool is_complete() const;  // the whole answer is known
  int status() const;        // 0: not known yet
  bool keep_alive() const;   // another request may follow on the connection
  void close_after();        // none may follow, if the client can still be told
  // Writes the stream's sign of life if it was silent for so long.
  void break_silence(std::chrono::duration<double> silence);
  // The connection is done with it: no wake from now on, and on_gone is called unless the answer is complete.
  void leave();

 private:
  enum class Stage { kUnanswered, kAbandoned, kStreaming, kCut, kOverrun, kComplete, kLost };

  // All of these with the lock held.
  void start(int status, const HttpHeaders& headers, BodyFraming framing);
  void add(std::string_view bytes);
  void wake();

  mutable std::mutex mutex_;
  Terms terms_;
  std::function<void()> wake_;
  bool awake_ = false;  // wake_ was called, take() was not
  Stage stage_ = Stage::kUnanswered;
  int status_ = 0;
  bool is_chunked_ = false;
  std::string waiting_;
  std::size_t taken_ = 0;  // bytes that the connection is sending
  std::string sign_of_life_;
  std::chrono::steady_clock::time_point last_write_;
  std::function<void()> on_gone_;
};

}  // namespace aloud
