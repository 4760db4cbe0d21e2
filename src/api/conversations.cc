// /v1/conversations: what a person's chats are, as trees of messages; listed, searched, changed, carried
// away.
#include <charconv>
#include <utility>

#include "api/conversation_json.h"
#include "api/routes.h"
#include "api/services.h"

namespace aloud {
namespace {

const std::string& id_of(const ApiCall& call) { return call.request->parameters.front(); }

// Answers with what `make` makes of what the store gave, or with the store's error.
template <class T, class Make>
void answer_with(const ApiCall& call, const StoreResult<T>& result, Make make) {
  if (!result) return call.send(from_store(result.error()));
  call.send(make(*result));
}

void answer_with(const ApiCall& call, const StoreResult<Conversation>& result) {
  answer_with(call, result, [](const Conversation& conversation) { return to_json(conversation); });
}

Json array_of(const std::vector<StoredMessage>& messages) {
  Json array = Json::array();
  for (const StoredMessage& message : messages) array.push_back(to_json(message));
  return array;
}

// data, and the cursor of the page that follows.
Json page_of(Json data, const std::string& next) {
  return {{"object", "list"},
          {"data", std::move(data)},
          {"next_cursor", next.empty() ? Json(nullptr) : Json(next)}};
}

RequestError invalid(std::string message, std::string param = {}) {
  return {RequestErrorKind::kInvalid, std::move(message), std::move(param), {}, 0};
}

// absent: `otherwise`.
RequestResult<std::int64_t> limit_of(const HttpRequest& request, std::int64_t otherwise) {
  const auto text = request.query("limit");
  if (!text) return otherwise;
  std::int64_t limit = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), limit);
  if (error == std::errc() && end == text->data() + text->size() && limit >= 1 && limit <= kMostListed) {
    return limit;
  }
  return tl::unexpected(
      invalid(fmt::format("{:?}, expected a whole number from 1 to {}", *text, kMostListed), "limit"));
}

RequestResult<std::optional<bool>> flag_of(const HttpRequest& request, std::string_view name) {
  const auto text = request.query(name);
  if (!text) return std::nullopt;
  if (*text == "true" || *text == "false") return *text == "true";
  return tl::unexpected(invalid(fmt::format("{:?}, expected true or false", *text), std::string(name)));
}

RequestResult<ConversationFilter> filter_of(const HttpRequest& request) {
  ConversationFilter filter;
  filter.folder = request.query("folder");
  TRY_ASSIGN(filter.archived, flag_of(request, "archived"));
  TRY_ASSIGN(const std::optional<bool> deleted, flag_of(request, "deleted"));
  filter.deleted = deleted.value_or(false);
  filter.cursor = request.query("cursor").value_or("");
  TRY_ASSIGN(filter.limit, limit_of(request, filter.limit));
  return filter;
}

Json pieces_json(const std::vector<TextPiece>& pieces) {
  Json array = Json::array();
  for (const TextPiece& piece : pieces) array.push_back({{"text", piece.text}, {"matches", piece.matches}});
  return array;
}

Json hit_json(const SearchHit& hit) {
  Json messages = Json::array();
  for (const MessageHit& message : hit.messages) {
    messages.push_back({{"message", message.message},
                        {"role", message.role},
                        {"in_thought", message.in_thought},
                        {"excerpt", pieces_json(message.excerpt)}});
  }
  return {{"conversation", to_json(hit.conversation)},
          {"title", pieces_json(hit.title)},
          {"messages", std::move(messages)}};
}

StoreResult<WholeConversation> whole(const ApiCall& call, std::string_view id) {
  WholeConversation out;
  TRY_ASSIGN(out.conversation, call.services.store.conversation(call.caller.owner, id));
  TRY_ASSIGN(out.messages, call.services.keeper.messages(call.caller.owner, id));
  return out;
}

Json whole_json(const WholeConversation& whole) {
  Json json = to_json(whole.conversation);
  json["messages"] = array_of(whole.messages);
  return json;
}

void answer_whole(const ApiCall& call, const StoreResult<Conversation>& made) {
  if (!made) return call.send(from_store(made.error()));
  answer_with(call, whole(call, made->id), whole_json);
}

// Every conversation that is not deleted.
StoreResult<std::vector<WholeConversation>> all_conversations(const ApiCall& call) {
  std::vector<WholeConversation> all;
  ConversationFilter filter{.limit = kMostListed};
  do {
    TRY_ASSIGN(const ConversationPage page, call.services.store.conversations(call.caller.owner, filter));
    for (const Conversation& conversation : page.conversations) {
      auto one = whole(call, conversation.id);
      if (one) all.push_back(std::move(*one));
      // Deleted a moment ago is not there any more.
      else if (one.error().kind != StoreError::Kind::kNotFound)
        return tl::unexpected(one.error());
    }
    filter.cursor = page.next;
  } while (!filter.cursor.empty());
  return all;
}

}  // namespace

void answer_conversations(const ApiCall& call) {
  const auto filter = filter_of(*call.request);
  if (!filter) return call.send(filter.error());
  answer_with(call, call.services.store.conversations(call.caller.owner, *filter),
              [](const ConversationPage& page) {
                Json data = Json::array();
                for (const Conversation& conversation : page.conversations)
                  data.push_back(to_json(conversation));
                return page_of(std::move(data), page.next);
              });
}

void answer_create_conversation(const ApiCall& call) {
  const auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  WholeConversation read = read_whole_conversation(fields);
  if (fields.error()) return call.send(*fields.error());
  answer_whole(call, call.services.store.create_conversation(call.caller.owner, std::move(read.conversation),
                                                             std::move(read.messages)));
}

void answer_conversation(const ApiCall& call) { answer_with(call, whole(call, id_of(call)), whole_json); }

void answer_change_conversation(const ApiCall& call) {
  const auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  ConversationChange change{.title = fields.string("title"),
                            .folder = fields.string("folder"),
                            .pinned = fields.boolean("pinned"),
                            .archived = fields.boolean("archived"),
                            .active_leaf = fields.string("active_leaf"),
                            .settings = {}};
  if (const Json* const settings = fields.object("settings")) change.settings = *settings;
  if (fields.error()) return call.send(*fields.error());
  answer_with(call, call.services.store.change_conversation(call.caller.owner, id_of(call), change));
}

void answer_delete_conversation(const ApiCall& call) {
  const StoreStatus deleted = call.services.store.delete_conversation(call.caller.owner, id_of(call));
  if (!deleted) return call.send(from_store(deleted.error()));
  call.send({{"id", id_of(call)}, {"object", "conversation.deleted"}, {"deleted", true}});
}

void answer_restore_conversation(const ApiCall& call) {
  answer_with(call, call.services.store.restore_conversation(call.caller.owner, id_of(call)));
}

void answer_add_messages(const ApiCall& call) {
  const auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  std::vector<StoredMessage> messages = read_stored_messages(fields);
  if (messages.empty()) fields.set_error("messages", "missing, expected an array of messages");
  if (fields.error()) return call.send(*fields.error());
  answer_with(call, call.services.store.add_messages(call.caller.owner, id_of(call), std::move(messages)),
              [](const auto& stored) { return page_of(array_of(stored), {}); });
}

void answer_fork_conversation(const ApiCall& call) {
  const auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  const std::string leaf = fields.required_string("leaf");
  if (fields.error()) return call.send(*fields.error());
  const auto old = whole(call, id_of(call));
  if (!old) return call.send(from_store(old.error()));
  answer_whole(call, fork_conversation(call.services.store, call.caller.owner, *old, leaf));
}

void answer_search_conversations(const ApiCall& call) {
  const auto limit = limit_of(*call.request, 50);
  if (!limit) return call.send(limit.error());
  const auto found = call.services.store.search(call.caller.owner, call.request->query("query").value_or(""),
                                                call.request->query("cursor").value_or(""), *limit);
  answer_with(call, found, [](const SearchPage& page) {
    Json data = Json::array();
    for (const SearchHit& hit : page.hits) data.push_back(hit_json(hit));
    return page_of(std::move(data), page.next);
  });
}

void answer_folders(const ApiCall& call) {
  answer_with(call, call.services.store.folders(call.caller.owner), [](const auto& folders) {
    Json data = Json::array();
    for (const Folder& folder : folders) {
      data.push_back({{"name", folder.name}, {"conversations", folder.conversations}});
    }
    return page_of(std::move(data), {});
  });
}

void answer_export_conversation(const ApiCall& call) {
  answer_with(call, whole(call, id_of(call)), [](const auto& one) { return export_json(one); });
}

void answer_export_conversations(const ApiCall& call) {
  answer_with(call, all_conversations(call), [](const auto& all) { return export_json(all); });
}

void answer_import_conversations(const ApiCall& call) {
  const auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  std::vector<WholeConversation> read = read_exports(fields);
  if (fields.error()) return call.send(*fields.error());
  Json data = Json::array();
  std::size_t imported = 0;
  for (WholeConversation& one : read) {
    const auto made = import_conversation(call.services.store, call.caller.owner, std::move(one));
    if (!made) {
      RequestError error = from_store(made.error());
      error.message +=
          fmt::format(" (the first {} of {} conversations are there now)", data.size(), read.size());
      return call.send(error);
    }
    if (made->is_new) ++imported;
    data.push_back(to_json(made->conversation));
  }
  const std::size_t present = data.size() - imported;
  call.send({{"object", "list"}, {"imported", imported}, {"present", present}, {"data", std::move(data)}});
}

}  // namespace aloud
