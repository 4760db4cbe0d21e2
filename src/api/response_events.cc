// A state machine: at most one item of the output is open, and what is said decides which.
#include "api/response_events.h"

#include <utility>

#include "api/openai_reply.h"

namespace aloud {
namespace {

// The same for the same response, so that it can be told again.
std::string id_of_item(const std::string& response, const char* prefix, std::size_t index) {
  return fmt::format("{}{}_{}", prefix, response.substr(response.find('_') + 1), index);
}

const char* prefix_of_text(bool is_reasoning) { return is_reasoning ? "rs_" : "msg_"; }

Json text_part(bool is_reasoning, const std::string& text) {
  if (is_reasoning) return {{"type", "reasoning_text"}, {"text", text}};
  return {{"type", "output_text"}, {"text", text}, {"annotations", Json::array()}};
}

Json text_item(bool is_reasoning, const std::string& id, const char* status) {
  Json item = {{"id", id}, {"type", is_reasoning ? "reasoning" : "message"}, {"status", status}};
  if (is_reasoning) {
    item["summary"] = Json::array();
  } else {
    item["role"] = "assistant";
  }
  item["content"] = Json::array();
  return item;
}

Json call_item(const ToolCall& call, const std::string& id, const char* status) {
  return {{"id", id},           {"type", "function_call"}, {"status", status},
          {"call_id", call.id}, {"name", call.name},       {"arguments", call.arguments}};
}

// Why a response is incomplete; nullptr where it is complete.
const char* incomplete_reason(ReplyFinish finish) {
  switch (finish) {
    case ReplyFinish::kLength:
      return "max_output_tokens";
    case ReplyFinish::kContext:
      return "context_full";
    case ReplyFinish::kLoop:
      return "loop";
    case ReplyFinish::kCancelled:
      return "cancelled";
    case ReplyFinish::kStop:
    case ReplyFinish::kStopString:
    case ReplyFinish::kToolCalls:
      break;
  }
  return nullptr;
}

Json response_usage(const ReplyUsage& usage) {
  return {{"input_tokens", usage.prompt_tokens},
          {"input_tokens_details", {{"cached_tokens", usage.kept_tokens}}},
          {"output_tokens", usage.completion_tokens},
          {"output_tokens_details", {{"reasoning_tokens", usage.reasoning_tokens}}},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

}  // namespace

ResponseEvents::ResponseEvents(Json head) : response_(std::move(head)) {
  response_["status"] = "in_progress";
  for (const char* name : {"error", "incomplete_details", "usage"}) response_[name] = nullptr;
  response_["output"] = Json::array();
  for (const char* name : {"timings", "output_text"}) response_.erase(name);
}

Json ResponseEvents::snapshot() const {
  Json response = response_;
  response["output"] = output_;
  if (open_ == Item::kCall) {
    response["output"].back()["arguments"] = text_;
  } else if (open_ != Item::kNone) {
    response["output"].back()["content"] = Json::array({text_part(open_ == Item::kReasoning, text_)});
  }
  // What the SDKs gather themselves, for clients that use none.
  std::string text;
  for (const Json& item : response["output"]) {
    if (item["type"] == "message") text += item["content"][0]["text"].get<std::string>();
  }
  response["output_text"] = std::move(text);
  return response;
}

void ResponseEvents::emit(std::string type, Json data) {
  Json whole = {{"type", type}, {"sequence_number", sequence_}};
  whole.update(data);
  emitted_.push_back({std::move(type), sequence_++, std::move(whole)});
}

void ResponseEvents::emit_response(std::string type, Json progress) {
  Json data = {{"response", snapshot()}};
  if (!progress.is_null()) data["progress"] = std::move(progress);
  emit(std::move(type), std::move(data));
}

std::vector<ResponseEvent> ResponseEvents::begin() {
  emit_response("response.created");
  return std::exchange(emitted_, {});
}

std::vector<ResponseEvent> ResponseEvents::hear(const ReplyEvent& event) {
  if (const auto* const waiting = std::get_if<WaitingEvent>(&event)) {
    response_["status"] = "queued";
    emit_response("response.queued", {{"position", waiting->position}, {"seconds", waiting->seconds}});
    response_["status"] = "in_progress";
  } else if (const auto* const end = std::get_if<FinishedEvent>(&event)) {
    finish(end->outcome);
  } else {
    hear_event(std::get<Event>(event));
  }
  return std::exchange(emitted_, {});
}

void ResponseEvents::in_progress() {
  if (!std::exchange(in_progress_, true)) emit_response("response.in_progress");
}

void ResponseEvents::hear_event(const Event& event) {
  if (const auto* const prefill = std::get_if<PrefillEvent>(&event)) {
    in_progress_ = true;
    return emit_response("response.in_progress", {{"done", prefill->done}, {"total", prefill->total}});
  }
  in_progress();
  if (const auto* const thought = std::get_if<ThoughtEvent>(&event)) {
    add_text(Item::kReasoning, thought->text);
  } else if (const auto* const thought_end = std::get_if<ThoughtEndEvent>(&event)) {
    if (open_ == Item::kReasoning) close("completed", thought_end_json(*thought_end));
  } else if (const auto* const answer = std::get_if<AnswerEvent>(&event)) {
    add_text(Item::kMessage, answer->text);
  } else if (const auto* const start = std::get_if<ToolCallStartEvent>(&event)) {
    open(Item::kCall, call_item({start->id, start->name, ""}, item_id("fc_"), "in_progress"));
  } else if (const auto* const arguments = std::get_if<ToolArgumentsEvent>(&event)) {
    if (open_ == Item::kCall) add_arguments(arguments->text);
  }
}

std::string ResponseEvents::item_id(const char* prefix) const {
  return id_of_item(response_["id"].get<std::string>(), prefix, output_.size());
}

Json ResponseEvents::place() const {
  return {{"item_id", output_.back()["id"]}, {"output_index", output_.size() - 1}};
}

void ResponseEvents::open(Item kind, Json item) {
  close("completed");
  open_ = kind;
  text_.clear();
  output_.push_back(std::move(item));
  emit("response.output_item.added", {{"output_index", output_.size() - 1}, {"item", output_.back()}});
}

void ResponseEvents::open_text(Item kind) {
  const bool is_reasoning = kind == Item::kReasoning;
  open(kind, text_item(is_reasoning, item_id(prefix_of_text(is_reasoning)), "in_progress"));
  Json data = place();
  data["content_index"] = 0;
  data["part"] = text_part(is_reasoning, "");
  emit("response.content_part.added", std::move(data));
}

void ResponseEvents::add_text(Item kind, const std::string& text) {
  if (open_ != kind) open_text(kind);
  text_ += text;
  Json data = place();
  data["content_index"] = 0;
  data["delta"] = text;
  if (kind == Item::kMessage) data["logprobs"] = Json::array();
  emit(kind == Item::kReasoning ? "response.reasoning_text.delta" : "response.output_text.delta",
       std::move(data));
}

void ResponseEvents::add_arguments(const std::string& text) {
  text_ += text;
  Json data = place();
  data["delta"] = text;
  emit("response.function_call_arguments.delta", std::move(data));
}

void ResponseEvents::close(const char* status, const Json& thought_end) {
  if (open_ == Item::kNone) return;
  const Item kind = std::exchange(open_, Item::kNone);
  output_.back()["status"] = status;
  if (kind == Item::kCall) {
    output_.back()["arguments"] = text_;
    Json data = place();
    data["name"] = output_.back()["name"];
    data["arguments"] = text_;
    emit("response.function_call_arguments.done", std::move(data));
  } else {
    close_text(kind, thought_end);
  }
  emit("response.output_item.done", {{"output_index", output_.size() - 1}, {"item", output_.back()}});
}

void ResponseEvents::close_text(Item kind, const Json& thought_end) {
  const bool is_reasoning = kind == Item::kReasoning;
  const Json part = text_part(is_reasoning, text_);
  output_.back()["content"] = Json::array({part});
  Json data = place();
  data["content_index"] = 0;
  Json part_data = data;
  data["text"] = text_;
  if (!is_reasoning) data["logprobs"] = Json::array();
  if (!thought_end.is_null()) {
    data["thought_end"] = thought_end;
    output_.back()["thought_end"] = thought_end;
  }
  emit(is_reasoning ? "response.reasoning_text.done" : "response.output_text.done", std::move(data));
  part_data["part"] = part;
  emit("response.content_part.done", std::move(part_data));
}

void ResponseEvents::finish(const RequestResult<Reply>& outcome) {
  in_progress();
  if (!outcome) {
    close("incomplete");
    const std::string& code = outcome.error().code;
    response_["status"] = "failed";
    response_["error"] = {{"code", code.empty() ? "server_error" : code},
                          {"message", outcome.error().message}};
  } else {
    const char* const reason = incomplete_reason(outcome->finish);
    close(reason == nullptr ? "completed" : "incomplete");
    response_["status"] = reason == nullptr ? "completed" : "incomplete";
    if (outcome->finish == ReplyFinish::kCancelled) response_["status"] = "cancelled";
    if (reason != nullptr) response_["incomplete_details"] = {{"reason", reason}};
    response_["usage"] = response_usage(outcome->usage);
    response_["timings"] = timings_json(outcome->timings);
  }
  emitted_.push_back(final_event(snapshot(), sequence_++));
}

ResponseEvent final_event(Json response, std::int64_t sequence) {
  const std::string status = response.value("status", "");
  std::string type = status == "completed" ? "response.completed"
                     : status == "failed"  ? "response.failed"
                                           : "response.incomplete";
  Json data = {{"type", type}, {"sequence_number", sequence}, {"response", std::move(response)}};
  return {std::move(type), sequence, std::move(data)};
}

Json output_items(const Message& message, const std::string& id, const char* status) {
  Json items = Json::array();
  for (const bool is_reasoning : {true, false}) {
    const std::string& text = is_reasoning ? message.thought : message.content;
    if (text.empty()) continue;
    Json item = text_item(is_reasoning, id_of_item(id, prefix_of_text(is_reasoning), items.size()), status);
    item["content"] = Json::array({text_part(is_reasoning, text)});
    items.push_back(std::move(item));
  }
  for (const ToolCall& call : message.tool_calls) {
    items.push_back(call_item(call, id_of_item(id, "fc_", items.size()), status));
  }
  return items;
}

}  // namespace aloud
