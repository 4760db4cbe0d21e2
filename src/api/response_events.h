// The events of OpenAI's Responses API, made of what a reply says while it comes into being.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/json_fields.h"
#include "service/running_reply.h"

namespace aloud {

// One event of the stream: its data has "type" and "sequence_number".
struct ResponseEvent {
  std::string type;
  std::int64_t sequence = 0;
  Json data;
};

// The same head and the same reply events give the same response events with the same numbers, from 0: so
// they are told again to whoever comes back. One thread.
class ResponseEvents {
 public:
  // head: the response with all that is known before the reply begins, or what became of it: status, output
  // and what belongs to the end are set here.
  explicit ResponseEvents(Json head);

  // What comes before all others.
  std::vector<ResponseEvent> begin();
  std::vector<ResponseEvent> hear(const ReplyEvent& event);

  // The response as it is now.
  Json snapshot() const;

 private:
  enum class Item { kNone, kReasoning, kMessage, kCall };

  void emit(std::string type, Json data);
  void emit_response(std::string type, Json progress = {});
  void in_progress();
  void hear_event(const Event& event);
  void add_text(Item kind, const std::string& text);
  void add_arguments(const std::string& text);
  void open(Item kind, Json item);
  void open_text(Item kind);
  void close(const char* status, const Json& thought_end = {});
  void close_text(Item kind, const Json& thought_end);
  void finish(const RequestResult<Reply>& outcome);
  std::string item_id(const char* prefix) const;  // of the next item
  Json place() const;                             // {"item_id", "output_index"}

  Json response_;
  std::vector<Json> output_;
  Item open_ = Item::kNone;
  std::string text_;  // of the open item
  bool in_progress_ = false;
  std::int64_t sequence_ = 0;
  std::vector<ResponseEvent> emitted_;
};

// What a stream ends with, for a response that has ended.
ResponseEvent final_event(Json response, std::int64_t sequence);

// A message as items of an output: reasoning, message, function calls. id: of the response, which theirs are
// made of.
Json output_items(const Message& message, const std::string& id, const char* status);

}  // namespace aloud
