// Conversations as JSON values: what is exported, and what is imported again; and new ones made of old ones.
#pragma once

#include <string_view>
#include <vector>

#include "api/json_fields.h"
#include "store/conversation.h"
#include "store/store.h"

namespace aloud {

// Fields are named as in conversation.h; those that are empty are left out.
Json to_json(const StoredMessage& message);
Json to_json(const Conversation& conversation);

// "messages", from a client; absent: none. A reply that was running is interrupted.
std::vector<StoredMessage> read_stored_messages(JsonFields& fields);

struct WholeConversation {
  Conversation conversation;
  std::vector<StoredMessage> messages;
};

// From a client. Whether the messages make a tree is what create_conversation checks.
WholeConversation read_whole_conversation(JsonFields& fields);

// {"format": "aloud-conversation", "version": 1, the fields of the conversation, "messages": [...]}
Json export_json(const WholeConversation& whole);
// {"format": "aloud-conversations", "version": 1, "conversations": [exports]}
Json export_json(const std::vector<WholeConversation>& all);
// From anybody's file: an export of one or of many.
std::vector<WholeConversation> read_exports(JsonFields& fields);

struct ImportedConversation {
  Conversation conversation;  // as it is stored
  bool is_new = false;        // else the owner had it
};
// Stores an export. One that the owner has already, by its id, stays as it is; if that one is deleted, the
// import gets an id of its own.
StoreResult<ImportedConversation> import_conversation(Store& store, std::string_view owner,
                                                      WholeConversation whole);

// The messages from the beginning to a leaf; empty if there is none of that id.
std::vector<StoredMessage> path_to(const std::vector<StoredMessage>& messages, std::string_view leaf);

// A new conversation with the messages up to one of them, and the settings and folder of the old one. A reply
// that is still written is interrupted there.
StoreResult<Conversation> fork_conversation(Store& store, std::string_view owner,
                                            const WholeConversation& old, std::string_view leaf);

}  // namespace aloud
