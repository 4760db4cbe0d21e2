// Plain translation, field by field.
#include "api/openai_reply.h"

namespace aloud {
namespace {

Json tool_call_json(const ToolCall& call) {
  return {{"id", call.id},
          {"type", "function"},
          {"function", {{"name", call.name}, {"arguments", call.arguments}}}};
}

Json bytes_json(std::string_view bytes) {
  Json list = Json::array();
  for (const char byte : bytes) list.push_back(static_cast<unsigned char>(byte));
  return list;
}

Json token_json(const TokenText& token) {
  Json top = Json::array();
  for (const TokenText::Alternative& other : token.top) {
    top.push_back({{"token", other.bytes}, {"logprob", other.logprob}, {"bytes", bytes_json(other.bytes)}});
  }
  return {{"token", token.bytes},
          {"logprob", token.logprob},
          {"bytes", bytes_json(token.bytes)},
          {"top_logprobs", std::move(top)}};
}

void append_tokens(const std::vector<TokenText>& tokens, const char* list, Json& logprobs) {
  if (tokens.empty()) return;
  if (logprobs.is_null()) logprobs = {{"content", Json::array()}, {"reasoning", Json::array()}};
  for (const TokenText& token : tokens) logprobs[list].push_back(token_json(token));
}

}  // namespace

Json openai_body(const RunningReply::Identity& identity, const char* object, Json choices) {
  return {{"id", identity.id},
          {"object", object},
          {"created", identity.created_seconds},
          {"model", identity.model},
          {"choices", std::move(choices)}};
}

std::string waiting_text(const WaitingEvent& waiting) {
  return fmt::format("waiting: position {}, about {:.1f} s", waiting.position, waiting.seconds);
}

Json openai_message(const Message& message) {
  Json json = {{"role", "assistant"}, {"content", message.content}};
  if (!message.thought.empty()) json["reasoning_content"] = message.thought;
  if (message.tool_calls.empty()) return json;
  if (message.content.empty()) json["content"] = nullptr;
  Json calls = Json::array();
  for (const ToolCall& call : message.tool_calls) calls.push_back(tool_call_json(call));
  json["tool_calls"] = std::move(calls);
  return json;
}

Json openai_delta(const Event& event) {
  if (const auto* const thought = std::get_if<ThoughtEvent>(&event)) {
    return {{"reasoning_content", thought->text}};
  }
  if (const auto* const answer = std::get_if<AnswerEvent>(&event)) return {{"content", answer->text}};
  if (const auto* const start = std::get_if<ToolCallStartEvent>(&event)) {
    Json call = tool_call_json({start->id, start->name, ""});
    Json indexed = {{"index", start->index}};
    indexed.update(call);
    return {{"tool_calls", Json::array({std::move(indexed)})}};
  }
  if (const auto* const arguments = std::get_if<ToolArgumentsEvent>(&event)) {
    const Json call = {{"index", arguments->index}, {"function", {{"arguments", arguments->text}}}};
    return {{"tool_calls", Json::array({call})}};
  }
  return Json::object();
}

Json openai_usage(const std::vector<Reply>& replies) {
  const ReplyUsage& first = replies.front().usage;
  std::int64_t completion = 0, reasoning = 0;
  for (const Reply& reply : replies) {
    completion += reply.usage.completion_tokens;
    reasoning += reply.usage.reasoning_tokens;
  }
  return {{"prompt_tokens", first.prompt_tokens},
          {"completion_tokens", completion},
          {"total_tokens", first.prompt_tokens + completion},
          {"prompt_tokens_details", {{"cached_tokens", first.kept_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", reasoning}}},
          {"prompt_cache_hit_tokens", first.kept_tokens},
          {"prompt_cache_miss_tokens", first.prompt_tokens - first.kept_tokens}};
}

void add_finish(const Reply& reply, Json& choice) {
  switch (reply.finish) {
    case ReplyFinish::kToolCalls:
      choice["finish_reason"] = "tool_calls";
      break;
    case ReplyFinish::kLength:
      choice["finish_reason"] = "length";
      choice["finish_details"] = {{"type", "max_tokens"}};
      break;
    case ReplyFinish::kContext:
      choice["finish_reason"] = "length";
      choice["finish_details"] = {{"type", "context_full"}};
      break;
    case ReplyFinish::kLoop:
      choice["finish_reason"] = "stop";
      choice["finish_details"] = {{"type", "loop"}};
      break;
    case ReplyFinish::kCancelled:
      choice["finish_reason"] = "stop";
      choice["finish_details"] = {{"type", "cancelled"}};
      break;
    case ReplyFinish::kStopString:
      choice["finish_reason"] = "stop";
      choice["finish_details"] = {{"type", "stop"}, {"stop", reply.stop_string}};
      break;
    case ReplyFinish::kStop:
      choice["finish_reason"] = "stop";
      break;
  }
  if (!reply.thought_end || *reply.thought_end == ThoughtEnd::kModel) return;
  choice["finish_details"]["thought_ended_by"] = std::string(name(*reply.thought_end));
}

void add_logprobs(const ReplyEvent& event, Json& logprobs) {
  const auto* const inner = std::get_if<Event>(&event);
  if (inner == nullptr) return;
  if (const auto* const thought = std::get_if<ThoughtEvent>(inner)) {
    append_tokens(thought->tokens, "reasoning", logprobs);
  } else if (const auto* const answer = std::get_if<AnswerEvent>(inner)) {
    append_tokens(answer->tokens, "content", logprobs);
  }
}

Json thought_end_json(const ThoughtEndEvent& end) {
  return {{"reason", std::string(name(end.how))}, {"seconds", end.seconds}, {"tokens", end.tokens}};
}

Json timings_json(const ReplyTimings& timings) {
  return {{"prefill_tokens_per_second", timings.prefill_tokens_per_second},
          {"decode_tokens_per_second", timings.decode_tokens_per_second},
          {"time_to_first_token_ms", timings.time_to_first_token_ms}};
}

}  // namespace aloud
