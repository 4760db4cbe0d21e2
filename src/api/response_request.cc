// Field by field; what chats and responses have in common is in openai_request.h.
#include "api/response_request.h"

#include <utility>

#include "api/openai_request.h"

namespace aloud {
namespace {

constexpr std::size_t kMaxMetadata = 16;

Tool read_flat_tool(JsonFields tool) {
  tool.choice("type", {"function"});
  return read_tool_fields(tool, "parameters");
}

Role read_item_role(JsonFields& item) {
  const auto role = item.choice("role", {"user", "assistant", "system", "developer"});
  if (!role) item.set_error("role", "missing, expected a string");
  if (role == "assistant") return Role::kAssistant;
  return role == "system" || role == "developer" ? Role::kSystem : Role::kUser;
}

// The assistant's message that an item adds to: the last one, or a new one.
Message& assistant_of(std::vector<Message>& messages) {
  if (messages.empty() || messages.back().role != Role::kAssistant) {
    messages.push_back({.role = Role::kAssistant});
  }
  return messages.back();
}

std::string read_reasoning(JsonFields& item) {
  std::string text;
  const Json* const parts = item.array("content");
  for (std::size_t i = 0; parts != nullptr && i < parts->size(); ++i) {
    text += item.inner("content", i, (*parts)[i]).string("text").value_or("");
  }
  return text;
}

void read_item(JsonFields item, std::vector<Message>& messages) {
  const std::string type = item.string("type").value_or("message");
  if (type == "message") {
    const Role role = read_item_role(item);
    std::string content = read_content(item, "content");
    const bool goes_on = role == Role::kAssistant && !messages.empty() &&
                         messages.back().role == Role::kAssistant && messages.back().content.empty() &&
                         messages.back().tool_calls.empty();
    if (!goes_on) messages.push_back({.role = role});
    messages.back().content = std::move(content);
  } else if (type == "reasoning") {
    messages.push_back({.role = Role::kAssistant, .thought = read_reasoning(item)});
  } else if (type == "function_call") {
    assistant_of(messages).tool_calls.push_back({.id = item.required_string("call_id"),
                                                 .name = item.required_string("name"),
                                                 .arguments = item.string("arguments").value_or("{}")});
  } else if (type == "function_call_output") {
    messages.push_back({.role = Role::kTool,
                        .content = read_content(item, "output"),
                        .tool_call_id = item.required_string("call_id")});
  } else {
    item.set_error("type", fmt::format("{:?} is not one of message, reasoning, function_call, "
                                       "function_call_output",
                                       type));
  }
}

void read_input(JsonFields& fields, ResponseRequest& request) {
  const Json* const input = fields.find("input");
  if (input == nullptr) return;
  if (input->is_string()) {
    request.input = {{.role = Role::kUser, .content = input->get<std::string>()}};
    request.items.push_back({{"type", "message"}, {"role", "user"}, {"content", *input}});
  } else if (input->is_array()) {
    request.input = read_items(fields, "input");
    request.items = *input;
  } else {
    fields.set_error("input", "is neither a string nor an array of items");
  }
}

void read_conversation(JsonFields& fields, ResponseRequest& request) {
  const Json* const conversation = fields.find("conversation");
  if (conversation == nullptr) return;
  if (conversation->is_string()) {
    request.conversation = conversation->get<std::string>();
  } else {
    JsonFields inner = fields.inner("conversation", *conversation);
    request.conversation = inner.required_string("id");
    request.parent = inner.string("parent");
  }
  if (!fields.error() && request.conversation.empty()) fields.set_error("conversation", "is empty");
  if (!request.previous.empty()) fields.set_error("conversation", "excludes previous_response_id");
  if (!request.store) fields.set_error("conversation", "needs \"store\": true");
}

void read_options(JsonFields& fields, ReplyOptions& options) {
  if (const Json* const reasoning = fields.object("reasoning")) {
    JsonFields inner = fields.inner("reasoning", *reasoning);
    read_effort(inner, "effort", options.thinking);
  }
  options.thinking = read_thinking(fields, options.thinking);
  options.max_tokens = fields.integer("max_output_tokens", 1, kMaxTokens);
  options.stops = read_stops(fields);
  options.detect_loops = fields.boolean("detect_loops").value_or(true);
  read_tools(fields, read_flat_tool, options);
  read_answer_format(fields, options);
  if (const Json* const text = fields.object("text")) {
    JsonFields inner = fields.inner("text", *text);
    if (const Json* const format = inner.object("format")) {
      JsonFields format_fields = inner.inner("format", *format);
      read_format(format_fields, SchemaPlace::kHere, options);
    }
  }
}

// What a response repeats of its request, with what holds where a field is absent.
Json echo_of(const Json& json) {
  const Json kDefaults = {{"background", false},
                          {"instructions", nullptr},
                          {"max_output_tokens", nullptr},
                          {"metadata", Json::object()},
                          {"parallel_tool_calls", true},
                          {"previous_response_id", nullptr},
                          {"reasoning", {{"effort", nullptr}, {"summary", nullptr}}},
                          {"store", true},
                          {"temperature", nullptr},
                          {"text", {{"format", {{"type", "text"}}}}},
                          {"tool_choice", "auto"},
                          {"tools", Json::array()},
                          {"top_p", nullptr},
                          {"truncation", "disabled"}};
  Json echo = kDefaults;
  for (const auto& [name, value] : kDefaults.items()) {
    const auto given = json.find(name);
    if (given != json.end() && !given->is_null()) echo[name] = *given;
  }
  return echo;
}

}  // namespace

std::vector<Message> read_items(JsonFields& fields, std::string_view name) {
  std::vector<Message> messages;
  const Json* const list = fields.array(name);
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    read_item(fields.inner(name, i, (*list)[i]), messages);
  }
  return messages;
}

RequestResult<ResponseRequest> read_response_request(const Json& json, GrammarSource grammars) {
  JsonFields fields(json);
  ResponseRequest request;
  request.reply.model = fields.string("model").value_or("");
  request.stream = fields.boolean("stream").value_or(false);
  request.background = fields.boolean("background").value_or(false);
  request.store = fields.boolean("store").value_or(true);
  if (request.background && !request.store) fields.set_error("background", "needs \"store\": true");
  request.instructions = fields.string("instructions").value_or("");
  request.previous = fields.string("previous_response_id").value_or("");
  read_conversation(fields, request);
  read_input(fields, request);
  if (request.input.empty() && request.conversation.empty()) {
    fields.set_error("input", fields.has("input") ? "is empty" : "missing, expected a string or items");
  }
  request.reply.sampling = read_sampling(fields);
  request.reply.options.grammars = std::move(grammars);
  read_options(fields, request.reply.options);
  fields.choice("truncation", {"disabled"});
  if (const Json* const metadata = fields.object("metadata"); metadata && metadata->size() > kMaxMetadata) {
    fields.set_error("metadata", fmt::format("has more than {} fields", kMaxMetadata));
  }
  if (fields.error()) return tl::unexpected(*fields.error());
  request.echo = echo_of(json);
  return request;
}

}  // namespace aloud
