// Line by line: a data line for each line of the text.
#include "http/event_stream.h"

#include <utility>

namespace aloud {
namespace {

// Calls take(line) for each line of text, which \n, \r\n and \r end.
template <class Take>
void for_each_line(std::string_view text, const Take& take) {
  while (true) {
    const std::size_t end = text.find_first_of("\r\n");
    take(text.substr(0, end));
    if (end == text.npos) return;
    text.remove_prefix(end + (text.substr(end).starts_with("\r\n") ? 2 : 1));
  }
}

void append_field(std::string_view name, std::string_view value, std::string& out) {
  if (value.empty()) return;
  (out += name) += ": ";
  for (const char c : value) {
    if (c != '\r' && c != '\n' && c != '\0') out += c;
  }
  out += '\n';
}

}  // namespace

std::string frame_event(const ServerEvent& event) {
  std::string out;
  append_field("event", event.event, out);
  append_field("id", event.id, out);
  for_each_line(event.data, [&](std::string_view line) { ((out += "data: ") += line) += '\n'; });
  out += '\n';
  return out;
}

std::string frame_comment(std::string_view text) {
  std::string out;
  for_each_line(text, [&](std::string_view line) { ((out += ": ") += line) += '\n'; });
  out += '\n';
  return out;
}

std::string_view last_event_id(const HttpRequest& request) { return request.header("last-event-id"); }

EventStream::EventStream(std::shared_ptr<HttpReply> reply, HttpHeaders headers) : reply_(std::move(reply)) {
  headers.push_back({"content-type", "text/event-stream"});
  headers.push_back({"cache-control", "no-cache"});
  // nginx would collect the events before it passes them on.
  headers.push_back({"x-accel-buffering", "no"});
  reply_->begin(200, headers, frame_comment(""));
}

}  // namespace aloud
