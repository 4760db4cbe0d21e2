// POST /v1/messages and /v1/messages/count_tokens: Anthropic's messages, at once or as a stream.
// Source: Anthropic's published Messages API, version 2023-06-01.
#include <optional>
#include <utility>

#include "api/openai_request.h"
#include "api/reply_group.h"
#include "api/routes.h"
#include "api/services.h"
#include "api/tool_arguments.h"
#include "http/event_stream.h"

namespace aloud {
namespace {

// Clients keep a thought only with a signature and send both back; nothing here needs to be proven by it.
constexpr const char* kSignature = "aloud";

struct MessagesCall {
  ReplyRequest request;
  bool stream = false;
};

// What a user's message holds besides text becomes messages before it.
void read_block(JsonFields block, Message& message, std::vector<Message>& messages) {
  const std::string type = block.required_string("type");
  const bool is_assistant = message.role == Role::kAssistant;
  if (type == "text") {
    message.content += block.required_string("text");
  } else if (type == "thinking" && is_assistant) {
    message.thought += block.required_string("thinking");
  } else if (type == "redacted_thinking" && is_assistant) {
    return;
  } else if (type == "tool_use" && is_assistant) {
    const Json* const input = block.object("input");
    message.tool_calls.push_back({.id = block.required_string("id"),
                                  .name = block.required_string("name"),
                                  .arguments = input == nullptr ? "{}" : to_text(*input)});
  } else if (type == "tool_result" && !is_assistant) {
    Message result{.role = Role::kTool, .content = read_content(block, "content")};
    result.tool_call_id = block.required_string("tool_use_id");
    messages.push_back(std::move(result));
  } else {
    block.set_error("type",
                    fmt::format("{:?} is not supported in a message of the {}", type, name(message.role)));
  }
}

void read_message(JsonFields fields, std::vector<Message>& messages) {
  const std::string role = fields.required_string("role");
  if (role != "user" && role != "assistant") {
    fields.set_error("role", fmt::format("{:?} is neither user nor assistant", role));
  }
  Message message{.role = role == "assistant" ? Role::kAssistant : Role::kUser};
  const Json* const content = fields.find("content");
  const std::size_t before = messages.size();
  if (content == nullptr) {
    fields.set_error("content", "missing, expected a string or an array of blocks");
  } else if (content->is_array()) {
    for (std::size_t i = 0; i < content->size(); ++i) {
      read_block(fields.inner("content", i, (*content)[i]), message, messages);
    }
  } else {
    message.content = read_content(fields, "content");
  }
  const bool is_results_alone = messages.size() > before && message.content.empty();
  if (!is_results_alone) messages.push_back(std::move(message));
}

std::vector<Message> read_conversation(JsonFields& fields) {
  std::vector<Message> messages;
  if (std::string system = read_content(fields, "system"); !system.empty()) {
    messages.push_back({.role = Role::kSystem, .content = std::move(system)});
  }
  const Json* const list = fields.array("messages");
  if (list == nullptr || list->empty()) {
    fields.set_error("messages", list == nullptr ? "missing, expected an array" : "is empty");
    return messages;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    read_message(fields.inner("messages", i, (*list)[i]), messages);
  }
  if (messages.back().role == Role::kAssistant) {
    fields.set_error("messages", "ends with the assistant's words, expected the user's or a tool's result");
  }
  return messages;
}

Tool read_input_tool(JsonFields fields) {
  fields.choice("type", {"custom"});
  return read_tool_fields(fields, "input_schema");
}

void read_input_choice(JsonFields fields, ReplyOptions& options) {
  fields.required_string("type");
  const auto type = fields.choice("type", {"auto", "any", "tool", "none"});
  options.parallel_tool_calls = !fields.boolean("disable_parallel_tool_use").value_or(false);
  if (type == "none") options.tool_choice.kind = ToolChoice::Kind::kNone;
  if (type == "any") {
    options.tool_choice.kind = ToolChoice::Kind::kRequired;
    if (options.tools.empty()) fields.set_error("type", "\"any\" needs tools");
  }
  if (type == "tool") choose_tool(fields.required_string("name"), fields, "name", options);
}

void read_tools_and_choice(JsonFields& fields, ReplyOptions& options) {
  options.tools = read_tool_list(fields, read_input_tool);
  if (const Json* const choice = fields.object("tool_choice")) {
    read_input_choice(fields.inner("tool_choice", *choice), options);
  }
}

// What counting the tokens of a request needs, too.
ReplyRequest read_prompt(JsonFields& fields) {
  ReplyRequest request;
  request.model = fields.string("model").value_or("");
  request.prompt = read_conversation(fields);
  request.options.thinking = read_thinking(fields);
  read_tools_and_choice(fields, request.options);
  return request;
}

RequestResult<MessagesCall> read_messages_call(const ApiCall& api_call) {
  auto json = parse_request(api_call.request->body);
  if (!json) return tl::unexpected(std::move(json.error()));
  JsonFields fields(*json);
  MessagesCall call;
  call.request = read_prompt(fields);
  call.request.options.grammars = api_call.grammars();
  call.request.sampling = read_sampling(fields);
  call.request.options.max_tokens = fields.integer("max_tokens", 1, kMaxTokens);
  if (!fields.has("max_tokens")) fields.set_error("max_tokens", "missing, expected a number of tokens");
  call.request.options.stops = read_stops(fields, "stop_sequences");
  call.stream = fields.boolean("stream").value_or(false);
  if (fields.error()) return tl::unexpected(*fields.error());
  call.request.id = random_id("msg_");
  return call;
}

// Anthropic counts what was computed before apart from the input.
Json message_usage(const ReplyUsage& usage) {
  return {{"input_tokens", usage.prompt_tokens - usage.kept_tokens},
          {"cache_creation_input_tokens", 0},
          {"cache_read_input_tokens", usage.kept_tokens},
          {"output_tokens", usage.completion_tokens}};
}

// Fields stop_reason and stop_sequence.
Json stop_json(const Reply& reply) {
  const char* reason = "end_turn";
  if (reply.finish == ReplyFinish::kToolCalls) reason = "tool_use";
  if (reply.finish == ReplyFinish::kLength || reply.finish == ReplyFinish::kContext) reason = "max_tokens";
  if (reply.finish == ReplyFinish::kStopString) reason = "stop_sequence";
  Json json = {{"stop_reason", reason}, {"stop_sequence", nullptr}};
  if (reply.finish == ReplyFinish::kStopString) json["stop_sequence"] = reply.stop_string;
  return json;
}

Json tool_use_json(const std::string& id, const std::string& name, Json input) {
  return {{"type", "tool_use"}, {"id", id}, {"name", name}, {"input", std::move(input)}};
}

Json content_json(const Message& message) {
  Json content = Json::array();
  if (!message.thought.empty()) {
    content.push_back({{"type", "thinking"}, {"thinking", message.thought}, {"signature", kSignature}});
  }
  if (!message.content.empty()) content.push_back({{"type", "text"}, {"text", message.content}});
  for (const ToolCall& call : message.tool_calls) {
    content.push_back(tool_use_json(call.id, call.name, arguments_object(call.arguments)));
  }
  return content;
}

Json message_json(const RunningReply::Identity& identity, Json content, const ReplyUsage& usage) {
  return {{"id", identity.id},
          {"type", "message"},
          {"role", "assistant"},
          {"model", identity.model},
          {"content", std::move(content)},
          {"stop_reason", nullptr},
          {"stop_sequence", nullptr},
          {"usage", message_usage(usage)}};
}

// Collects the whole reply.
class MessageAnswer : public ReplyListener {
 public:
  explicit MessageAnswer(ApiCall call) : call_(std::move(call)) {}

  void started(const RunningReply::Identity& identity, std::size_t) override { identity_ = identity; }
  void finished(const std::vector<Reply>& replies) override {
    const Reply& reply = replies.front();
    Json body = message_json(identity_, content_json(reply.message), reply.usage);
    body.update(stop_json(reply));
    call_.send(body);
  }
  void failed(const RequestError& error) override { call_.send(error); }

 private:
  const ApiCall call_;
  RunningReply::Identity identity_;
};

// Tells events as they come, as blocks that follow one another.
class MessageStream : public ReplyListener {
 public:
  explicit MessageStream(ApiCall call) : call_(std::move(call)) {}

  void started(const RunningReply::Identity& identity, std::size_t) override {
    stream_.emplace(call_.reply);
    // The prompt is counted when it was read: at the end.
    send("message_start", {{"message", message_json(identity, Json::array(), {})}});
  }

  void event(std::size_t, const ReplyEvent& event) override {
    const auto* const inner = std::get_if<Event>(&event);
    if (inner == nullptr || std::holds_alternative<PrefillEvent>(*inner)) return send("ping", Json::object());
    if (const auto* const thought = std::get_if<ThoughtEvent>(inner)) {
      open("thinking", {{"type", "thinking"}, {"thinking", ""}, {"signature", ""}});
      delta({{"type", "thinking_delta"}, {"thinking", thought->text}});
    } else if (const auto* const answer = std::get_if<AnswerEvent>(inner)) {
      open("text", {{"type", "text"}, {"text", ""}});
      delta({{"type", "text_delta"}, {"text", answer->text}});
    } else if (const auto* const call = std::get_if<ToolCallStartEvent>(inner)) {
      close();
      open("tool_use", tool_use_json(call->id, call->name, Json::object()));
    } else if (const auto* const arguments = std::get_if<ToolArgumentsEvent>(inner)) {
      delta({{"type", "input_json_delta"}, {"partial_json", arguments->text}});
    }
  }

  void finished(const std::vector<Reply>& replies) override {
    close();
    const Reply& reply = replies.front();
    send("message_delta", {{"delta", stop_json(reply)}, {"usage", message_usage(reply.usage)}});
    send("message_stop", Json::object());
    stream_->finish();
  }

  void failed(const RequestError& error) override {
    if (!stream_) return call_.send(error);
    send("error", error_body(Dialect::kAnthropic, error));
    stream_->finish();
  }

 private:
  // Goes on with the block that is open if it is of that type.
  void open(std::string_view type, const Json& block) {
    if (type_ == type) return;
    close();
    type_ = type;
    send("content_block_start", {{"index", index_}, {"content_block", block}});
  }
  void delta(const Json& delta) { send("content_block_delta", {{"index", index_}, {"delta", delta}}); }
  void close() {
    if (type_.empty()) return;
    if (type_ == "thinking") delta({{"type", "signature_delta"}, {"signature", kSignature}});
    send("content_block_stop", {{"index", index_}});
    type_ = {};
    ++index_;
  }
  void send(std::string_view type, const Json& fields) {
    Json event = {{"type", std::string(type)}};
    event.update(fields);
    stream_->send({.data = to_text(event), .event = type});
  }

  const ApiCall call_;
  std::optional<EventStream> stream_;
  std::string_view type_;  // of the block that is open; empty: none
  int index_ = 0;          // of that block, or of the next
};

}  // namespace

void answer_anthropic_messages(const ApiCall& call) {
  auto read = read_messages_call(call);
  if (!read) return call.send(read.error());
  std::unique_ptr<ReplyListener> listener;
  if (read->stream) {
    listener = std::make_unique<MessageStream>(call);
  } else {
    listener = std::make_unique<MessageAnswer>(call);
  }
  ReplyGroup::start(call, std::move(read->request), 1, std::move(listener));
}

void answer_anthropic_count_tokens(const ApiCall& call) {
  auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  ReplyRequest request = read_prompt(fields);
  if (fields.error()) return call.send(*fields.error());
  request.options.grammars = call.grammars();
  call.services.replies.count_prompt(std::move(request), [call](const RequestResult<std::size_t>& tokens) {
    if (!tokens) return call.send(tokens.error());
    call.send({{"input_tokens", *tokens}});
  });
}

}  // namespace aloud
