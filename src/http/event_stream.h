// Server-sent events (text/event-stream, WHATWG HTML 9.2): framing, and a reply that is such a stream.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/reply.h"

namespace aloud {

struct ServerEvent {
  std::string_view data;        // any text; its line ends (\n, \r\n, \r) arrive as \n
  std::string_view event = {};  // its type; empty: the field is left out
  std::string_view id = {};     // what Last-Event-ID will say; empty: left out
};

// The bytes of one event. Line ends and NUL in event or id would end the field: they are left out.
std::string frame_event(const ServerEvent& event);
// A comment, which clients ignore; a line end in it begins another comment line.
std::string frame_comment(std::string_view text);

// What the client has seen, when it comes back: the Last-Event-ID header; empty if it says nothing.
std::string_view last_event_id(const HttpRequest& request);

// Begins the reply as a stream of events with status 200. The server fills silence with comments.
// Threads and results as in HttpReply.
class EventStream {
 public:
  explicit EventStream(std::shared_ptr<HttpReply> reply, HttpHeaders headers = {});

  bool send(const ServerEvent& event) { return reply_->write(frame_event(event)); }
  bool comment(std::string_view text) { return reply_->write(frame_comment(text)); }
  void finish() { reply_->finish(); }
  void on_gone(std::function<void()> callback) { reply_->on_gone(std::move(callback)); }

 private:
  std::shared_ptr<HttpReply> reply_;
};

}  // namespace aloud
