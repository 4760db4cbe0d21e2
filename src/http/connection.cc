// The states of a connection, and what moves it from one to the next.
#include "http/connection.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "http/target.h"

namespace aloud {
namespace {

constexpr std::size_t kSliceBytes = 64 << 10;  // what must pass within body_seconds and write_seconds
constexpr double kLingerSeconds = 2;
constexpr int kClientLeft = 499;  // in records only
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

Connection::Clock::time_point after(double seconds) {
  return Connection::Clock::now() +
         std::chrono::duration_cast<Connection::Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

Connection::Connection(const Site& site, EventLoop& loop, std::unique_ptr<Transport> transport, Peer peer)
    : site_(site), loop_(loop), transport_(std::move(transport)), peer_(std::move(peer)) {}

void Connection::start() {
  enter(Phase::kHandshake, site_.limits.head_seconds);
  transport_->handshake([this, self = shared_from_this()](bool ok) {
    if (is_closed()) return;
    if (!ok) return close();
    await_request();
    read();
  });
}

void Connection::enter(Phase phase, double seconds) {
  phase_ = phase;
  deadline_ = after(seconds);
}

void Connection::await_request() { enter(Phase::kIdle, site_.limits.idle_seconds); }

void Connection::tick(Clock::time_point now) {
  if (writing_ && now >= write_deadline_) return abort();
  if (phase_ == Phase::kAnswering) {
    return exchange_->break_silence(std::chrono::duration<double>(site_.limits.silence_seconds));
  }
  if (now < deadline_) return;
  if (phase_ == Phase::kReceiving) return refuse({408, "the request did not arrive in time"});
  close();
}

void Connection::drain() {
  draining_ = true;
  if (exchange_) exchange_->close_after();
  if (phase_ == Phase::kHandshake || phase_ == Phase::kIdle) close();
}

void Connection::close() {
  if (is_closed()) return;
  phase_ = Phase::kClosed;
  transport_->close();
  peer_.admission.reset();
  if (exchange_) leave_exchange(false);
}

// For a client that does not read: its connection must not keep what it was sent.
void Connection::abort() {
  transport_->abort();
  close();
}

// --- Receiving -------------------------------------------------------------------------------------------

// A read is always pending: that is how a client that leaves is noticed while nothing is said.
void Connection::read() {
  transport_->read([this, self = shared_from_this()](std::string_view bytes) {
    if (is_closed()) return;
    if (bytes.empty()) return take_end();
    take(bytes);
    if (!is_closed()) read();
  });
}

void Connection::take_end() {
  peer_ended_ = true;
  if (phase_ == Phase::kAnswering && exchange_->is_complete()) return;
  close();
}

void Connection::take(std::string_view bytes) {
  if (phase_ == Phase::kLingering) return;
  if (phase_ != Phase::kAnswering) return parse(bytes);
  if (ahead_.size() + bytes.size() > site_.limits.ahead_bytes) return close();
  ahead_ += bytes;
}

void Connection::parse(std::string_view bytes) {
  if (!parser_) parser_ = std::make_unique<RequestParser>(site_.limits);
  while (phase_ == Phase::kIdle || phase_ == Phase::kReceiving) {
    bytes.remove_prefix(parser_->feed(bytes));
    switch (parser_->state()) {
      case RequestParser::State::kHead:
      case RequestParser::State::kBody:
        return watch_progress();
      case RequestParser::State::kHeadDone:
        accept_head(!bytes.empty());
        break;
      case RequestParser::State::kRefused:
        refuse(parser_->refusal());
        break;
      case RequestParser::State::kDone:
        call_handler();
        break;
    }
  }
  ahead_ = bytes;
}

void Connection::watch_progress() {
  if (parser_->state() == RequestParser::State::kBody) {
    const std::size_t size = parser_->request().body.size();
    if (size - body_mark_ < kSliceBytes) return;
    body_mark_ = size;
    enter(Phase::kReceiving, site_.limits.body_seconds);
  } else if (phase_ == Phase::kIdle && parser_->begun()) {
    enter(Phase::kReceiving, site_.limits.head_seconds);
  }
}

// Who may ask what is decided before the body is read.
void Connection::accept_head(bool more_is_here) {
  HttpRequest& request = parser_->request();
  request.peer = peer_.address;
  request.secure = peer_.secure;
  const auto target = parse_target(parser_->target());
  if (!target) return refuse(target.error());
  request.path = path_ = target->path();
  request.query_fields = target->query;
  if (const auto refusal = site_.access.check(request, target->authority)) return refuse(*refusal);

  Router::Match match = site_.router.match(request.method, *target);
  if (match.route == nullptr) {
    if (match.allowed.empty()) return refuse({404, "nothing is at this path"});
    if (request.method == "OPTIONS") return answer_options(match.allowed);
    return refuse({405, fmt::format("allowed here: {}", match.allowed)}, {{"allow", match.allowed}});
  }
  route_ = match.route;
  request.parameters = std::move(match.parameters);
  parser_->accept_body(route_->max_body);
  if (parser_->state() != RequestParser::State::kBody) return;
  body_mark_ = 0;
  enter(Phase::kReceiving, site_.limits.body_seconds);
  if (parser_->expects_continue() && !more_is_here) write(std::string(kContinue));
}

void Connection::answer_options(const std::string& allowed) {
  HttpHeaders headers = {{"allow", allowed}};
  if (Access::is_preflight(parser_->request())) {
    for (HttpField& field : site_.access.preflight_headers(parser_->request(), allowed)) {
      headers.push_back(std::move(field));
    }
  }
  if (!parser_->has_body()) parser_->accept_body(0);
  open_exchange();
  exchange_->send(204, headers, {});
}

void Connection::refuse(const HttpRefusal& refusal, HttpHeaders headers) {
  // A request whose end is known is not the last one of its connection.
  if (parser_->state() == RequestParser::State::kHeadDone && !parser_->has_body()) parser_->accept_body(0);
  open_exchange();
  send_error(refusal, std::move(headers));
}

void Connection::send_error(const HttpRefusal& error, HttpHeaders headers) {
  ErrorBody body = site_.error_body(error.status, error.message, path_);
  headers.push_back({"content-type", std::move(body.content_type)});
  exchange_->send(error.status, headers, body.text);
}

void Connection::call_handler() {
  open_exchange();
  route_->handler(std::move(parser_->request()), std::make_shared<HttpReply>(exchange_));
}

// --- Answering -------------------------------------------------------------------------------------------

void Connection::open_exchange() {
  phase_ = Phase::kAnswering;
  const HttpRequest& request = parser_->request();
  record_ = {.method = request.method, .pattern = route_ ? route_->pattern : "", .peer = request.peer};
  answer_begin_ = Clock::now();
  const bool at_end = parser_->state() == RequestParser::State::kDone;
  exchange_ =
      std::make_shared<Exchange>(Exchange::Terms{.head_only = request.method == "HEAD",
                                                 .http_1_0 = parser_->is_http_1_0(),
                                                 .keep_alive = at_end && parser_->keep_alive() && !draining_,
                                                 .max_unsent = site_.limits.unsent_bytes,
                                                 .headers = site_.access.cors_headers(request)},
                                 [loop = &loop_, weak = weak_from_this()] {
                                   loop->post([weak] {
                                     if (const auto self = weak.lock()) self->pump();
                                   });
                                 });
}

void Connection::pump() {
  if (phase_ != Phase::kAnswering) return;
  if (exchange_->is_overrun()) return abort();
  if (writing_) return;
  Exchange::Output output = exchange_->take();
  if (output.progress == Exchange::Progress::kAbandoned) {
    send_error({500, "the server gave no answer"}, {});
    output = exchange_->take();
  }
  if (!output.bytes.empty()) return write(std::move(output.bytes));
  if (output.progress == Exchange::Progress::kComplete) finish_answer();
  if (output.progress == Exchange::Progress::kCut) close();
}

void Connection::write(std::string bytes) {
  outgoing_ = std::move(bytes);
  sent_ = 0;
  write_slice();
}

void Connection::write_slice() {
  const std::string_view slice = std::string_view(outgoing_).substr(sent_, kSliceBytes);
  writing_ = true;
  write_deadline_ = after(site_.limits.write_seconds);
  transport_->write(slice, [this, self = shared_from_this(), size = slice.size()](bool ok) {
    writing_ = false;
    if (is_closed()) return;
    if (!ok) return close();
    sent_ += size;
    record_.bytes_sent += size;
    if (sent_ < outgoing_.size()) return write_slice();
    std::string().swap(outgoing_);
    pump();
  });
}

void Connection::leave_exchange(bool complete) {
  record_.status = exchange_->status();
  if (record_.status == 0) record_.status = kClientLeft;
  record_.seconds = std::chrono::duration<double>(Clock::now() - answer_begin_).count();
  record_.complete = complete;
  // Callbacks may take their time over us; what they find is a connection without an exchange.
  const auto exchange = std::exchange(exchange_, nullptr);
  exchange->leave();
  if (site_.on_request) site_.on_request(record_);
}

void Connection::finish_answer() {
  const bool is_last = !exchange_->keep_alive() || peer_ended_ || draining_;
  leave_exchange(true);
  parser_.reset();
  path_.clear();
  route_ = nullptr;
  if (is_last) return linger();
  await_request();
  const std::string ahead = std::exchange(ahead_, {});
  if (!ahead.empty()) parse(ahead);
}

void Connection::linger() {
  if (peer_ended_) return close();
  enter(Phase::kLingering, kLingerSeconds);
  std::string().swap(ahead_);
  transport_->end([self = shared_from_this()](bool) {});
}

}  // namespace aloud
