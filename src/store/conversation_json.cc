// Writes what is there, and reads with a complaint about the first thing that is not as it should be.
#include "store/conversation_json.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/printable.h"

namespace aloud {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kFormat = "aloud-conversation";
constexpr std::string_view kFormatOfMany = "aloud-conversations";
constexpr std::int64_t kVersion = 1;

void put(ordered_json& json, const char* name, const std::string& text) {
  if (!text.empty()) json[name] = text;
}
void put(ordered_json& json, const char* name, const ordered_json& value) {
  if (!value.is_null()) json[name] = value;
}
void put(ordered_json& json, const char* name, std::int64_t time_ms) {
  if (time_ms != 0) json[name] = time_ms;
}

// The fields of one object; the first that is wrong is remembered, and all that follow are as if absent.
class Fields {
 public:
  Fields(const ordered_json& object, std::string place) : object_(object), place_(std::move(place)) {
    if (!object.is_object()) complain("", "an object");
  }

  std::string text(const char* name) {
    const ordered_json* value = find(name);
    if (value == nullptr) return "";
    if (!value->is_string()) return complain(name, "a string"), "";
    return value->get<std::string>();
  }
  bool flag(const char* name) {
    const ordered_json* value = find(name);
    if (value == nullptr) return false;
    if (!value->is_boolean()) return complain(name, "true or false"), false;
    return value->get<bool>();
  }
  std::int64_t number(const char* name) {
    const ordered_json* value = find(name);
    if (value == nullptr) return 0;
    const bool fits = value->is_number_integer() && *value >= 0 && *value <= kMostExact;
    if (!fits) return complain(name, "a whole number from 0 on"), 0;
    return value->get<std::int64_t>();
  }
  ordered_json any(const char* name) {
    const ordered_json* value = find(name);
    return value == nullptr ? ordered_json() : *value;
  }
  void complain(std::string_view name, std::string_view expected) {
    if (!error_) {
      error_ = Error{fmt::format("{}{}{}: expected {}", place_, name.empty() ? "" : ".", name, expected)};
    }
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  static constexpr std::int64_t kMostExact = std::int64_t{1} << 53;  // what a double holds exactly

  // nullptr: absent, null, or something was wrong before.
  const ordered_json* find(const char* name) const {
    if (error_) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }

  const ordered_json& object_;
  std::string place_;
  std::optional<Error> error_;
};

}  // namespace

Result<StoredMessage> parse_message(const ordered_json& json, std::size_t index) {
  Fields fields(json, fmt::format("messages[{}]", index));
  StoredMessage message{.id = fields.text("id"),
                        .parent = fields.text("parent"),
                        .role = fields.text("role"),
                        .thought = fields.text("thought"),
                        .content = fields.text("content"),
                        .tool_calls = fields.any("tool_calls"),
                        .tool_call_id = fields.text("tool_call_id"),
                        .model = fields.text("model"),
                        .finish_reason = fields.text("finish_reason"),
                        .usage = fields.any("usage"),
                        .timings = fields.any("timings"),
                        .extra = fields.any("extra"),
                        .created_ms = fields.number("created_ms")};
  if (const std::string status = fields.text("status"); !status.empty()) {
    const auto found = find_reply_status(status);
    if (!found) fields.complain("status", "running, complete, failed, cancelled or interrupted");
    message.status = found.value_or(ReplyStatus::kComplete);
  }
  if (message.status == ReplyStatus::kRunning) message.status = ReplyStatus::kInterrupted;
  if (fields.error()) return tl::unexpected(*fields.error());
  return message;
}

ordered_json to_json(const StoredMessage& message) {
  ordered_json json = {{"id", message.id}};
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

ordered_json to_json(const Conversation& conversation) {
  ordered_json json = {{"id", conversation.id}, {"title", conversation.title}};
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

ordered_json export_json(const WholeConversation& whole) {
  ordered_json json = {{"format", kFormat}, {"version", kVersion}};
  json.update(to_json(whole.conversation));
  ordered_json messages = ordered_json::array();
  for (const StoredMessage& message : whole.messages) messages.push_back(to_json(message));
  json["messages"] = std::move(messages);
  return json;
}

void mark_as_export(ordered_json& json) {
  json["format"] = kFormat;
  json["version"] = kVersion;
  if (!json.contains("messages")) json["messages"] = ordered_json::array();
}

ordered_json export_json(const std::vector<WholeConversation>& all) {
  ordered_json conversations = ordered_json::array();
  for (const WholeConversation& one : all) conversations.push_back(export_json(one));
  return {{"format", kFormatOfMany}, {"version", kVersion}, {"conversations", std::move(conversations)}};
}

Result<std::vector<WholeConversation>> parse_exports(const ordered_json& json) {
  std::vector<WholeConversation> all;
  Fields fields(json, "import");
  if (fields.text("format") != kFormatOfMany) {
    TRY_ASSIGN(all.emplace_back(), parse_export(json));
    return all;
  }
  if (fields.number("version") != kVersion) fields.complain("version", std::to_string(kVersion));
  const ordered_json conversations = fields.any("conversations");
  if (!conversations.is_array()) fields.complain("conversations", "an array");
  if (fields.error()) return tl::unexpected(*fields.error());
  for (std::size_t i = 0; i < conversations.size(); ++i) {
    auto one = parse_export(conversations[i]);
    if (!one) return fail("conversations[{}]: {}", i, one.error().message);
    all.push_back(std::move(*one));
  }
  return all;
}

Result<WholeConversation> parse_export(const ordered_json& json) {
  Fields fields(json, "conversation");
  if (fields.text("format") != kFormat) fields.complain("format", kFormat);
  if (fields.number("version") != kVersion) fields.complain("version", std::to_string(kVersion));
  WholeConversation whole;
  whole.conversation = {.id = fields.text("id"),
                        .title = fields.text("title"),
                        .folder = fields.text("folder"),
                        .pinned = fields.flag("pinned"),
                        .archived = fields.flag("archived"),
                        .active_leaf = fields.text("active_leaf"),
                        .settings = fields.any("settings"),
                        .created_ms = fields.number("created_ms"),
                        .updated_ms = fields.number("updated_ms")};
  const ordered_json messages = fields.any("messages");
  if (!messages.is_array()) fields.complain("messages", "an array");
  if (fields.error()) return tl::unexpected(*fields.error());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    TRY_ASSIGN(StoredMessage message, parse_message(messages[i], i));
    whole.messages.push_back(std::move(message));
  }
  return whole;
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

StoreResult<Conversation> fork_conversation(Store& store, std::string_view owner, std::string_view id,
                                            std::string_view leaf) {
  TRY_ASSIGN(const Conversation old, store.conversation(owner, id));
  TRY_ASSIGN(const std::vector<StoredMessage> all, store.messages(owner, id));
  std::vector<StoredMessage> path = path_to(all, leaf);
  if (path.empty()) {
    return fail_store(StoreError::Kind::kNotFound, "message {} of conversation {}: not found",
                      printable(leaf), printable(id));
  }
  for (StoredMessage& message : path) {
    if (message.status == ReplyStatus::kRunning) message.status = ReplyStatus::kInterrupted;
  }
  return store.create_conversation(
      owner, {.title = old.title, .folder = old.folder, .settings = old.settings}, std::move(path));
}

}  // namespace aloud
