// One client's connection: request after request, each received, answered by its route's handler and written
// out.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/access.h"
#include "http/admissions.h"
#include "http/event_loop.h"
#include "http/exchange.h"
#include "http/request_parser.h"
#include "http/router.h"
#include "http/server.h"
#include "http/transport.h"

namespace aloud {

// What the connections of a server share; does not change while it runs.
struct Site {
  HttpLimits limits;
  Router router;
  Access access;
  ErrorFormatter error_body;
  std::function<void(const AccessRecord&)> on_request;  // may be empty
};

// Everything is on the thread of its loop. It lives as long as somebody points to it or it waits for its
// socket.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  struct Peer {
    std::string address;
    bool secure;
    std::shared_ptr<Admission> admission;
  };
  Connection(const Site& site, EventLoop& loop, std::unique_ptr<Transport> transport, Peer peer);

  void start();
  // Looks whether a time is over.
  void tick(Clock::time_point now);
  // The request that is under way is the last; without one the connection is closed.
  void drain();
  void close();
  bool is_closed() const { return phase_ == Phase::kClosed; }

 private:
  enum class Phase {
    kHandshake,
    kIdle,       // nothing of the next request has come
    kReceiving,  // a part of it
    kAnswering,
    kLingering,  // everything was said, but the client may be sending still; a reset would cost it the answer
    kClosed,
  };

  void enter(Phase phase, double seconds);
  void await_request();
  void read();
  void take(std::string_view bytes);
  void take_end();
  void parse(std::string_view bytes);
  void watch_progress();
  void accept_head(bool more_is_here);
  void answer_options(const std::string& allowed);
  void refuse(const HttpRefusal& refusal, HttpHeaders headers = {});
  void call_handler();
  void open_exchange();
  void send_error(const HttpRefusal& error, HttpHeaders headers);
  void pump();
  void write(std::string bytes);
  void write_slice();
  void finish_answer();
  void linger();
  void abort();
  void leave_exchange(bool complete);

  const Site& site_;
  EventLoop& loop_;
  const std::unique_ptr<Transport> transport_;
  Peer peer_;
  Phase phase_ = Phase::kHandshake;
  Clock::time_point deadline_;  // of the phase, except kAnswering
  bool draining_ = false;
  bool peer_ended_ = false;  // the client will send no more

  std::unique_ptr<RequestParser> parser_;  // from the first byte of a request to the end of its answer
  std::size_t body_mark_ = 0;              // bytes of the body when deadline_ was set
  std::string ahead_;                      // what came after the request
  std::string path_;                       // of the request, when it is known
  const Route* route_ = nullptr;

  std::shared_ptr<Exchange> exchange_;  // in kAnswering
  AccessRecord record_;
  Clock::time_point answer_begin_;

  std::string outgoing_;
  std::size_t sent_ = 0;  // of outgoing_
  bool writing_ = false;
  Clock::time_point write_deadline_;
};

}  // namespace aloud
