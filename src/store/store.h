// The store: conversations, responses, keys and usage of many owners, behind one interface.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/access.h"
#include "store/conversation.h"
#include "store/store_error.h"

namespace aloud {

// Of the OpenAI Responses API: kept for `previous_response_id` and for reading it again.
struct StoredResponse {
  std::string id;
  nlohmann::ordered_json body;  // what the API made of it, input and output
  ReplyStatus status = ReplyStatus::kComplete;
  std::int64_t created_ms = 0;  // 0 when it is stored: now
  std::int64_t expires_ms = 0;  // 0: it stays until it is deleted
  bool is_unsaved = false;      // as that of a message
};

// Threads: every call from any thread; calls block. Writes of many threads are committed together, so they
// are cheap side by side and slow one after the other. Durability: a write returns success only after it
// would survive a crash of the machine. After an error nothing of the call was acknowledged; if it is called
// again with the same ids nothing is there twice. Owners: every call sees what belongs to its owner and
// nothing else. What another owner has is kNotFound, and ids of different owners do not collide. Deleted
// conversations are kNotFound for all calls but restore_conversation, finish_reply and the filter that asks
// for them.
class Store {
 public:
  virtual ~Store() = default;

  // --- Conversations ---

  // Stores a conversation with its messages (an import, a fork; usually none), each after its parent. An
  // empty id is replaced by a random one; an empty active_leaf by the last message. Returns what was stored.
  // If the owner has one of that id: that one, unchanged (kConflict if it is deleted). kInvalid: a parent is
  // not there, two messages share an id, a role or a name is not allowed.
  virtual StoreResult<Conversation> create_conversation(std::string_view owner, Conversation conversation,
                                                        std::vector<StoredMessage> messages = {}) = 0;
  virtual StoreResult<Conversation> conversation(std::string_view owner, std::string_view id) = 0;
  // kInvalid: the cursor is not from this list.
  virtual StoreResult<ConversationPage> conversations(std::string_view owner,
                                                      const ConversationFilter& filter) = 0;
  // Folders are where conversations say they are: by name, with how many are in each, deleted ones not
  // counted.
  virtual StoreResult<std::vector<Folder>> folders(std::string_view owner) = 0;
  // kInvalid: active_leaf is no message of it.
  virtual StoreResult<Conversation> change_conversation(std::string_view owner, std::string_view id,
                                                        const ConversationChange& change) = 0;
  // Hides it; it can be restored until it is purged. Deleting a deleted one changes nothing.
  virtual StoreStatus delete_conversation(std::string_view owner, std::string_view id) = 0;
  virtual StoreResult<Conversation> restore_conversation(std::string_view owner, std::string_view id) = 0;
  // Conversations where the title, or the thought or content of one message, contains every word of the query
  // (words are separated by white space; letters match in either case). Newest first, archived ones too.
  // Replies that are being written are found when they are finished. kInvalid: no words, or more than
  // kMostSearchWords; the cursor is not from this search.
  virtual StoreResult<SearchPage> search(std::string_view owner, std::string_view query,
                                         std::string_view cursor = {}, std::int64_t limit = 50) = 0;

  // --- Messages ---

  // All messages of the tree, each after its parent; what is known so far of replies that are being written.
  virtual StoreResult<std::vector<StoredMessage>> messages(std::string_view owner,
                                                           std::string_view conversation) = 0;
  // Adds messages, each after its parent, all or none; the last one becomes the active leaf. Empty ids are
  // replaced by random ones. Returns them as stored. A message whose id is there already is not added again;
  // kConflict if its role, its parent or (unless an assistant's) its content differs. kInvalid as above.
  // A reply is added with status kRunning, then grows by add_reply_parts until finish_reply.
  virtual StoreResult<std::vector<StoredMessage>> add_messages(std::string_view owner,
                                                               std::string_view conversation,
                                                               std::vector<StoredMessage> messages) = 0;
  // Makes growing replies survive a crash: one call for all that run, about once a second. Parts of replies
  // that are not running (finished, deleted) are dropped without an error.
  virtual StoreStatus add_reply_parts(std::span<const ReplyPart> parts) = 0;
  // The last word on a reply: all fields but id, parent, role and created_ms are those of `message`; parts
  // are forgotten. Calling it again replaces them again. It is heard in a deleted conversation as well, which
  // may be restored. kInvalid: message.status is kRunning.
  virtual StoreStatus finish_reply(std::string_view owner, std::string_view conversation,
                                   const StoredMessage& message) = 0;
  // Makes a finished reply run again ("continue"); parts that follow are appended to what is there.
  virtual StoreResult<StoredMessage> resume_reply(std::string_view owner, std::string_view conversation,
                                                  std::string_view message) = 0;

  // --- Responses ---

  // Stores it, or replaces the one of that id.
  virtual StoreStatus put_response(std::string_view owner, const StoredResponse& response) = 0;
  // Expired ones are kNotFound.
  virtual StoreResult<StoredResponse> response(std::string_view owner, std::string_view id) = 0;
  virtual StoreStatus delete_response(std::string_view owner, std::string_view id) = 0;

  // --- Keys, sessions, usage ---

  // kConflict: there is a key of that name. kInvalid: the name is not one (see is_key_name in secret.h).
  virtual StoreStatus add_key(const ApiKey& key, const SecretHash& hash) = 0;
  virtual StoreResult<std::vector<ApiKey>> keys() = 0;  // by name
  virtual StoreResult<ApiKey> find_key(const SecretHash& hash) = 0;
  // kConflict: with keeps_operator, if no key with the scope admin would be left.
  virtual StoreResult<ApiKey> change_key(std::string_view name, const KeyChange& change,
                                         bool keeps_operator = false) = 0;
  // Ends its sessions too. What its owner stored stays. kConflict: as above.
  virtual StoreStatus revoke_key(std::string_view name, bool keeps_operator = false) = 0;

  virtual StoreStatus add_session(const SecretHash& hash, const BrowserSession& session) = 0;
  // The key of a session; kNotFound if it has expired.
  virtual StoreResult<ApiKey> find_session(const SecretHash& hash) = 0;
  virtual StoreStatus delete_session(const SecretHash& hash) = 0;

  // Adds to the counters of each owner and day, and says that the key of that name was used now.
  virtual StoreStatus add_usage(std::span<const DailyUsage> used) = 0;
  // From one day to another, both included, by day and owner; of one owner, or of all for nullopt.
  virtual StoreResult<std::vector<DailyUsage>> usage(std::optional<std::string_view> owner,
                                                     std::string_view first_day,
                                                     std::string_view last_day) = 0;

  // --- Housekeeping ---

  // Erases conversations that were deleted before a time, and what has expired: from the tables, the search
  // index and the log, so that no file of the store holds their text. Returns how many conversations. Most of
  // it goes on between other writes, but they wait while the file is rewritten, so it is called now and then,
  // not for each. After an error, what is left to do is done by the next call.
  virtual StoreResult<std::int64_t> purge(std::int64_t deleted_before_ms) = 0;
};

}  // namespace aloud
