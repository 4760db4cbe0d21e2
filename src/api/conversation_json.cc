// Writes what is there, and reads with a complaint about the first thing that is not as it should be.
#include "api/conversation_json.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/printable.h"

namespace aloud {
namespace {

constexpr std::string_view kFormat = "aloud-conversation";
constexpr std::string_view kFormatOfMany = "aloud-conversations";
constexpr std::int64_t kVersion = 1;

void put(Json& json, const char* name, const std::string& text) {
  if (!text.empty()) json[name] = text;
}
void put(Json& json, const char* name, const Json& value) {
  if (!value.is_null()) json[name] = value;
}
void put(Json& json, const char* name, std::int64_t time_ms) {
  if (time_ms != 0) json[name] = time_ms;
}

constexpr std::int64_t kMostExact = std::int64_t{1} << 53;  // what a double holds exactly

std::string text_of(JsonFields& fields, const char* name) { return fields.string(name).value_or(""); }
std::int64_t time_of(JsonFields& fields, const char* name) {
  return fields.integer(name, 0, kMostExact).value_or(0);
}
Json value_of(const JsonFields& fields, const char* name) {
  const Json* const value = fields.find(name);
  return value == nullptr ? Json() : *value;
}

StoredMessage read_stored_message(JsonFields fields) {
  StoredMessage message{.id = text_of(fields, "id"),
                        .parent = text_of(fields, "parent"),
                        .role = text_of(fields, "role"),
                        .thought = text_of(fields, "thought"),
                        .content = text_of(fields, "content"),
                        .tool_calls = value_of(fields, "tool_calls"),
                        .tool_call_id = text_of(fields, "tool_call_id"),
                        .model = text_of(fields, "model"),
                        .finish_reason = text_of(fields, "finish_reason"),
                        .usage = value_of(fields, "usage"),
                        .timings = value_of(fields, "timings"),
                        .extra = value_of(fields, "extra"),
                        .created_ms = time_of(fields, "created_ms")};
  if (const std::string status = text_of(fields, "status"); !status.empty()) {
    const auto found = find_reply_status(status);
    if (!found) {
      fields.set_error(
          "status",
          fmt::format("{:?} is not one of running, complete, failed, cancelled, interrupted", status));
    }
    message.status = found.value_or(ReplyStatus::kComplete);
  }
  if (message.status == ReplyStatus::kRunning) message.status = ReplyStatus::kInterrupted;
  return message;
}

void check_format(JsonFields& fields, std::string_view format) {
  if (!fields.has("format")) fields.set_error("format", fmt::format("missing, expected {:?}", format));
  fields.choice("format", {format});
  if (!fields.integer("version", kVersion, kVersion))
    fields.set_error("version", fmt::format("missing, expected {}", kVersion));
}

WholeConversation read_export(JsonFields& fields) {
  check_format(fields, kFormat);
  if (!fields.has("messages")) fields.set_error("messages", "missing, expected an array");
  return read_whole_conversation(fields);
}

}  // namespace

std::vector<StoredMessage> read_stored_messages(JsonFields& fields) {
  std::vector<StoredMessage> messages;
  const Json* const list = fields.array("messages");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    messages.push_back(read_stored_message(fields.inner("messages", i, (*list)[i])));
  }
  return messages;
}

Json to_json(const StoredMessage& message) {
  Json json = {{"id", message.id}};
  put(json, "parent", message.parent);
  json["role"] = message.role;
  put(json, "thought", message.thought);
  json["content"] = message.content;
  put(json, "tool_calls", message.tool_calls);
  put(json, "tool_call_id", message.tool_call_id);
  put(json, "model", message.model);
  json["status"] = name(message.status);
  if (message.is_unsaved) json["saved"] = false;
  put(json, "finish_reason", message.finish_reason);
  put(json, "usage", message.usage);
  put(json, "timings", message.timings);
  put(json, "extra", message.extra);
  put(json, "created_ms", message.created_ms);
  return json;
}

Json to_json(const Conversation& conversation) {
  Json json = {{"id", conversation.id}, {"title", conversation.title}};
  put(json, "folder", conversation.folder);
  json["pinned"] = conversation.pinned;
  json["archived"] = conversation.archived;
  put(json, "active_leaf", conversation.active_leaf);
  put(json, "settings", conversation.settings);
  put(json, "created_ms", conversation.created_ms);
  put(json, "updated_ms", conversation.updated_ms);
  put(json, "deleted_ms", conversation.deleted_ms);
  return json;
}

Json export_json(const WholeConversation& whole) {
  Json json = {{"format", kFormat}, {"version", kVersion}};
  json.update(to_json(whole.conversation));
  Json messages = Json::array();
  for (const StoredMessage& message : whole.messages) messages.push_back(to_json(message));
  json["messages"] = std::move(messages);
  return json;
}

Json export_json(const std::vector<WholeConversation>& all) {
  Json conversations = Json::array();
  for (const WholeConversation& one : all) conversations.push_back(export_json(one));
  return {{"format", kFormatOfMany}, {"version", kVersion}, {"conversations", std::move(conversations)}};
}

std::vector<WholeConversation> read_exports(JsonFields& fields) {
  std::vector<WholeConversation> all;
  if (fields.find("format") == nullptr || *fields.find("format") != kFormatOfMany) {
    all.push_back(read_export(fields));
    return all;
  }
  check_format(fields, kFormatOfMany);
  const Json* const list = fields.array("conversations");
  if (list == nullptr) fields.set_error("conversations", "missing, expected an array");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    JsonFields one = fields.inner("conversations", i, (*list)[i]);
    all.push_back(read_export(one));
  }
  return all;
}

WholeConversation read_whole_conversation(JsonFields& fields) {
  return {.conversation = {.id = text_of(fields, "id"),
                           .title = text_of(fields, "title"),
                           .folder = text_of(fields, "folder"),
                           .pinned = fields.boolean("pinned").value_or(false),
                           .archived = fields.boolean("archived").value_or(false),
                           .active_leaf = text_of(fields, "active_leaf"),
                           .settings = value_of(fields, "settings"),
                           .created_ms = time_of(fields, "created_ms"),
                           .updated_ms = time_of(fields, "updated_ms")},
          .messages = read_stored_messages(fields)};
}

StoreResult<ImportedConversation> import_conversation(Store& store, std::string_view owner,
                                                      WholeConversation whole) {
  if (auto present = store.conversation(owner, whole.conversation.id)) {
    return ImportedConversation{.conversation = *std::move(present)};
  }
  auto made = store.create_conversation(owner, whole.conversation, whole.messages);
  if (!made && made.error().kind == StoreError::Kind::kConflict) {
    whole.conversation.id.clear();
    made = store.create_conversation(owner, std::move(whole.conversation), std::move(whole.messages));
  }
  return std::move(made).map([](Conversation&& conversation) {
    return ImportedConversation{.conversation = std::move(conversation), .is_new = true};
  });
}

std::vector<StoredMessage> path_to(const std::vector<StoredMessage>& messages, std::string_view leaf) {
  std::unordered_map<std::string_view, const StoredMessage*> by_id;
  for (const StoredMessage& message : messages) by_id.emplace(message.id, &message);
  std::vector<StoredMessage> path;
  for (auto at = by_id.find(leaf); at != by_id.end(); at = by_id.find(at->second->parent)) {
    path.push_back(*at->second);
  }
  std::reverse(path.begin(), path.end());
  return path;
}

StoreResult<Conversation> fork_conversation(Store& store, std::string_view owner,
                                            const WholeConversation& old, std::string_view leaf) {
  std::vector<StoredMessage> path = path_to(old.messages, leaf);
  if (path.empty()) {
    return fail_store(StoreError::Kind::kNotFound, "message {} of conversation {}: not found",
                      printable(leaf), printable(old.conversation.id));
  }
  for (StoredMessage& message : path) {
    if (message.status == ReplyStatus::kRunning) message.status = ReplyStatus::kInterrupted;
  }
  Conversation made{.title = old.conversation.title,
                    .folder = old.conversation.folder,
                    .settings = old.conversation.settings};
  return store.create_conversation(owner, std::move(made), std::move(path));
}

}  // namespace aloud
