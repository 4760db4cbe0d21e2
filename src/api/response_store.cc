// The stored body is {"response", "input", "next_sequence"}: the context is found by going back.
#include "api/response_store.h"

#include <algorithm>
#include <utility>

#include "api/conversation_json.h"
#include "api/openai_reply.h"
#include "api/openai_request.h"
#include "api/response_events.h"
#include "service/access_control.h"
#include "store/secret.h"

namespace aloud {
namespace {

// So long may a chain of responses be.
constexpr std::size_t kMaxChain = 10000;

RequestError with_param(RequestError error, const char* param) {
  error.param = param;
  return error;
}

Message message_of(const StoredMessage& stored) {
  Message message{.content = stored.content, .thought = stored.thought, .tool_call_id = stored.tool_call_id};
  for (const Role role : {Role::kSystem, Role::kUser, Role::kAssistant, Role::kTool}) {
    if (stored.role == name(role)) message.role = role;
  }
  const Json calls = {{"tool_calls", stored.tool_calls}};
  JsonFields fields(calls);
  message.tool_calls = read_tool_calls(fields);
  return message;
}

StoredMessage stored_of(const Message& message) {
  return {.role = std::string(name(message.role)),
          .thought = message.thought,
          .content = message.content,
          .tool_calls = openai_message(message).value("tool_calls", Json()),
          .tool_call_id = message.tool_call_id};
}

// An output as one message of the assistant.
Message joined(const Json& output) {
  const Json json = {{"output", output}};
  JsonFields fields(json);
  Message joined{.role = Role::kAssistant};
  for (Message& message : read_items(fields, "output")) {
    joined.thought += message.thought;
    joined.content += message.content;
    std::ranges::move(message.tool_calls, std::back_inserter(joined.tool_calls));
  }
  return joined;
}

RequestResult<std::vector<Message>> chain_to(Store& store, ReplyKeeper& keeper, const std::string& owner,
                                             std::string id) {
  std::vector<StoredResponse> chain;
  while (!id.empty()) {
    if (chain.size() == kMaxChain) {
      return refuse(RequestErrorKind::kInvalid, "more than {} responses follow one another", kMaxChain);
    }
    auto stored = keeper.response(owner, id);
    if (!stored) return tl::unexpected(with_param(from_store(stored.error()), "previous_response_id"));
    if (stored->status == ReplyStatus::kRunning) {
      return tl::unexpected(RequestError{RequestErrorKind::kConflict,
                                         fmt::format("response {} still runs", id),
                                         "previous_response_id",
                                         {},
                                         0});
    }
    const Json& previous = stored->body["response"]["previous_response_id"];
    id = previous.is_string() ? previous.get<std::string>() : "";
    chain.push_back(*std::move(stored));
  }
  std::vector<Message> messages;
  for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
    JsonFields fields(at->body);
    std::ranges::move(read_items(fields, "input"), std::back_inserter(messages));
    const Json output = settled_response(store, owner, *at)["output"];
    if (!output.empty()) messages.push_back(joined(output));
  }
  return messages;
}

RequestResult<std::vector<Message>> branch_of(Store& store, ReplyKeeper& keeper, const std::string& owner,
                                              ResponseRequest& request) {
  auto conversation = store.conversation(owner, request.conversation);
  if (!conversation) return tl::unexpected(with_param(from_store(conversation.error()), "conversation"));
  auto tree = keeper.messages(owner, request.conversation);
  if (!tree) return tl::unexpected(with_param(from_store(tree.error()), "conversation"));
  if (!request.parent) request.parent = conversation->active_leaf;
  const std::vector<StoredMessage> path = path_to(*tree, *request.parent);
  if (path.empty() && !request.parent->empty()) {
    return tl::unexpected(RequestError{
        RequestErrorKind::kNotFound,
        fmt::format("conversation {} has no message {:?}", request.conversation, *request.parent),
        "conversation.parent",
        {},
        0});
  }
  if (request.instructions.empty() && conversation->settings.is_object()) {
    const auto system = conversation->settings.find("system_prompt");
    if (system != conversation->settings.end() && system->is_string()) request.instructions = *system;
  }
  if (request.input.empty() && (path.empty() || path.back().role == "assistant")) {
    return tl::unexpected(RequestError{
        RequestErrorKind::kInvalid, "input: missing, and the parent is no question", "input", {}, 0});
  }
  std::vector<Message> messages;
  for (const StoredMessage& stored : path) {
    if (stored.status == ReplyStatus::kRunning) {
      return tl::unexpected(RequestError{RequestErrorKind::kConflict,
                                         fmt::format("reply {} is still written", stored.id),
                                         "conversation.parent",
                                         {},
                                         0});
    }
    Message message = message_of(stored);
    // A reply that was stopped before its answer.
    const bool is_empty = message.content.empty() && message.tool_calls.empty();
    if (message.role != Role::kAssistant || !is_empty) messages.push_back(std::move(message));
  }
  return messages;
}

// By the end of the server, which told so; else a crash.
bool is_interrupted(const Json& response) {
  const auto error = response.find("error");
  return error != response.end() && error->is_object() && error->value("code", "") == kInterruptedCode;
}

ReplyStatus status_of(const Json& response) {
  const std::string status = response.value("status", "");
  if (status == "failed") return is_interrupted(response) ? ReplyStatus::kInterrupted : ReplyStatus::kFailed;
  return status == "cancelled" ? ReplyStatus::kCancelled : ReplyStatus::kComplete;
}

std::string finish_reason(const Json& response, const Message& message) {
  const Json& details = response["incomplete_details"];
  if (details.is_object()) return details.value("reason", "");
  if (response["status"] == "failed") return "error";
  return message.tool_calls.empty() ? "stop" : "tool_calls";
}

// What a page shows beside a reply: how its thought ended, and why there is no more of it.
Json extra_of(const Json& response) {
  Json extra;
  for (const Json& item : response.value("output", Json::array())) {
    if (item.contains("thought_end")) extra["thought_end"] = item["thought_end"];
  }
  const auto error = response.find("error");
  if (error != response.end() && error->is_object()) extra["error"] = error->value("message", "");
  return extra;
}

}  // namespace

RequestResult<std::vector<Message>> read_context(Store& store, ReplyKeeper& keeper, const std::string& owner,
                                                 ResponseRequest& request) {
  auto messages = request.conversation.empty() ? chain_to(store, keeper, owner, request.previous)
                                               : branch_of(store, keeper, owner, request);
  if (!messages) return messages;
  std::ranges::copy(request.input, std::back_inserter(*messages));
  if (!request.instructions.empty()) {
    messages->insert(messages->begin(), {.role = Role::kSystem, .content = request.instructions});
  }
  return messages;
}

ResponseRecord::ResponseRecord(Store& store, std::string owner, const ResponseRequest& request,
                               std::chrono::milliseconds retention)
    : store_(store),
      owner_(std::move(owner)),
      retention_(retention),
      conversation_(request.conversation),
      parent_(request.parent.value_or("")),
      input_(request.input),
      items_(request.items) {}

StoredResponse ResponseRecord::stored_response(const Json& response, ReplyStatus status,
                                               std::int64_t next_sequence) const {
  const std::int64_t created_ms = 1000 * response["created_at"].get<std::int64_t>();
  return {.id = response["id"].get<std::string>(),
          .body = {{"response", response}, {"input", items_}, {"next_sequence", next_sequence}},
          .status = status,
          .created_ms = created_ms,
          .expires_ms = retention_.count() == 0 ? 0 : created_ms + retention_.count()};
}

StoreStatus ResponseRecord::add_messages(Json& response) {
  std::vector<StoredMessage> messages;
  for (const Message& message : input_) {
    messages.push_back(stored_of(message));
    messages.back().id = random_id("msg_");
    messages.back().parent = std::exchange(parent_, messages.back().id);
  }
  messages.push_back({.id = response["id"].get<std::string>(),
                      .parent = parent_,
                      .role = "assistant",
                      .model = response["model"].get<std::string>(),
                      .status = ReplyStatus::kRunning});
  auto added = store_.add_messages(owner_, conversation_, std::move(messages));
  if (!added) return tl::unexpected(std::move(added.error()));
  response["conversation"] = {{"id", conversation_}, {"parent", parent_}};
  return {};
}

StoreStatus ResponseRecord::begin(Json& response) {
  if (is_in_conversation()) {
    if (auto added = add_messages(response); !added) return added;
  }
  return store_.put_response(owner_, stored_response(response, ReplyStatus::kRunning, 0));
}

ReplyEnd ResponseRecord::end(const Json& response, std::int64_t next_sequence) const {
  const Message message = joined(response.value("output", Json::array()));
  StoredMessage reply = stored_of(message);
  reply.id = response["id"].get<std::string>();
  reply.parent = parent_;
  reply.model = response["model"].get<std::string>();
  reply.status = status_of(response);
  reply.finish_reason = finish_reason(response, message);
  reply.usage = response["usage"];
  reply.timings = response.value("timings", Json());
  reply.extra = extra_of(response);
  return {.owner = owner_,
          .conversation = conversation_,
          .message = std::move(reply),
          .response = stored_response(response, status_of(response), next_sequence)};
}

Json settled_response(Store& store, const std::string& owner, const StoredResponse& stored) {
  Json response = stored.body.at("response");
  if (stored.is_unsaved) response["saved"] = false;
  const bool is_cut_off =
      stored.status == ReplyStatus::kInterrupted || stored.status == ReplyStatus::kRunning;
  if (!is_cut_off || is_interrupted(response)) return response;
  response["status"] = "failed";
  response["error"] = {{"code", kInterruptedCode}, {"message", "the server ended while it wrote this"}};
  response["output"] = Json::array();
  const auto place = response.find("conversation");
  if (place == response.end() || !place->is_object()) return response;
  const auto messages = store.messages(owner, place->value("id", ""));
  if (!messages) return response;
  for (const StoredMessage& message : *messages) {
    if (message.id != stored.id) continue;
    response["output"] = output_items(message_of(message), stored.id, "incomplete");
    response["output_text"] = message.content;
  }
  return response;
}

}  // namespace aloud
