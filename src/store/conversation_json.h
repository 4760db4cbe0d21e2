// Conversations as JSON values: what is exported, and what is imported again; and new ones made of old ones.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/conversation.h"
#include "store/store.h"

namespace aloud {

// Fields are named as in conversation.h; those that are empty are left out.
nlohmann::ordered_json to_json(const StoredMessage& message);
nlohmann::ordered_json to_json(const Conversation& conversation);

// From a client: errors name the field of messages[index]. A reply that was running is interrupted.
Result<StoredMessage> parse_message(const nlohmann::ordered_json& json, std::size_t index);

struct WholeConversation {
  Conversation conversation;
  std::vector<StoredMessage> messages;
};

// {"format": "aloud-conversation", "version": 1, the fields of the conversation, "messages": [...]}
nlohmann::ordered_json export_json(const WholeConversation& whole);
// From anybody's file: errors name the field and what was expected. Whether the messages make a tree is what
// create_conversation checks.
Result<WholeConversation> parse_export(const nlohmann::ordered_json& json);
// What a client tells of a new conversation becomes an export, which parse_export reads.
void mark_as_export(nlohmann::ordered_json& json);

// {"format": "aloud-conversations", "version": 1, "conversations": [exports]}
nlohmann::ordered_json export_json(const std::vector<WholeConversation>& all);
// An export of one or of many.
Result<std::vector<WholeConversation>> parse_exports(const nlohmann::ordered_json& json);

// Stores an export. One that the owner has already, by its id, stays as it is; if that one is deleted, the
// import gets an id of its own.
struct ImportedConversation {
  Conversation conversation;  // as it is stored
  bool is_new = false;        // else the owner had it
};
StoreResult<ImportedConversation> import_conversation(Store& store, std::string_view owner,
                                                      WholeConversation whole);

// The messages from the beginning to a leaf; empty if there is none of that id.
std::vector<StoredMessage> path_to(const std::vector<StoredMessage>& messages, std::string_view leaf);

// A new conversation with the messages up to one of them, and the settings and folder of the old one.
StoreResult<Conversation> fork_conversation(Store& store, std::string_view owner, std::string_view id,
                                            std::string_view leaf);

}  // namespace aloud
