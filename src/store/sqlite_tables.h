// What the store does with the tables of SQLite, one function per call, within a transaction of the caller.
// The promises are those of store.h; all of them may throw SQLite::Exception.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace aloud {

// sqlite_conversations.cc
struct ConversationRow {
  std::int64_t number = 0;  // what messages name it by
  Conversation conversation;
};
StoreResult<ConversationRow> find_conversation(SQLite::Database& database, std::string_view owner,
                                               std::string_view id, bool also_deleted = false);
StoreResult<Conversation> insert_conversation(SQLite::Database& database, std::string_view owner,
                                              Conversation conversation, std::vector<StoredMessage> messages,
                                              std::int64_t now_ms);
StoreResult<ConversationPage> list_conversations(SQLite::Database& database, std::string_view owner,
                                                 const ConversationFilter& filter);
std::vector<Folder> list_folders(SQLite::Database& database, std::string_view owner);
StoreResult<Conversation> update_conversation(SQLite::Database& database, std::string_view owner,
                                              std::string_view id, const ConversationChange& change);
StoreStatus mark_deleted(SQLite::Database& database, std::string_view owner, std::string_view id,
                         std::int64_t now_ms);
StoreResult<Conversation> unmark_deleted(SQLite::Database& database, std::string_view owner,
                                         std::string_view id);

// sqlite_search.cc
void add_search_functions(SQLite::Database& database);  // once per connection, before the others
StoreResult<SearchPage> search_conversations(SQLite::Database& database, std::string_view owner,
                                             std::string_view query, std::string_view cursor,
                                             std::int64_t limit);

// sqlite_messages.cc
StoreResult<std::vector<StoredMessage>> read_messages(SQLite::Database& database, std::string_view owner,
                                                      std::string_view conversation);
StoreResult<std::vector<StoredMessage>> insert_messages(SQLite::Database& database, std::string_view owner,
                                                        std::string_view conversation,
                                                        std::vector<StoredMessage> messages,
                                                        std::int64_t now_ms);
// Into the conversation of that number, whose active leaf and time stay.
StoreResult<std::vector<StoredMessage>> insert_into(SQLite::Database& database, std::int64_t conversation,
                                                    std::vector<StoredMessage> messages, std::int64_t now_ms);
bool has_message(SQLite::Database& database, std::int64_t conversation, std::string_view id);
void insert_parts(SQLite::Database& database, std::span<const ReplyPart> parts);
StoreStatus finish_message(SQLite::Database& database, std::string_view owner, std::string_view conversation,
                           const StoredMessage& message, std::int64_t now_ms);
StoreResult<StoredMessage> resume_message(SQLite::Database& database, std::string_view owner,
                                          std::string_view conversation, std::string_view message);
// What was running when the last process ended is interrupted now, with the parts that were stored.
void interrupt_running(SQLite::Database& database);

// sqlite_access.cc
void upsert_response(SQLite::Database& database, std::string_view owner, const StoredResponse& response,
                     std::int64_t now_ms);
StoreResult<StoredResponse> read_response(SQLite::Database& database, std::string_view owner,
                                          std::string_view id, std::int64_t now_ms);
StoreStatus remove_response(SQLite::Database& database, std::string_view owner, std::string_view id);
StoreStatus insert_key(SQLite::Database& database, const ApiKey& key, const SecretHash& hash,
                       std::int64_t now_ms);
std::vector<ApiKey> list_keys(SQLite::Database& database);
StoreResult<ApiKey> read_key(SQLite::Database& database, const SecretHash& hash);
StoreResult<ApiKey> update_key(SQLite::Database& database, std::string_view name, const KeyChange& change,
                               bool keeps_operator);
StoreStatus remove_key(SQLite::Database& database, std::string_view name, bool keeps_operator);
StoreStatus insert_session(SQLite::Database& database, const SecretHash& hash, const BrowserSession& session,
                           std::int64_t now_ms);
StoreResult<ApiKey> read_session(SQLite::Database& database, const SecretHash& hash, std::int64_t now_ms);
StoreStatus remove_session(SQLite::Database& database, const SecretHash& hash);
void insert_usage(SQLite::Database& database, std::span<const DailyUsage> used, std::int64_t now_ms);
std::vector<DailyUsage> read_usage(SQLite::Database& database, std::optional<std::string_view> owner,
                                   std::string_view first_day, std::string_view last_day);

// sqlite_erasure.cc
// Removes some of the rows that are due; to be called until they are all.
struct RemovedRows {
  std::int64_t conversations = 0;
  bool are_all = false;
};
RemovedRows remove_some(SQLite::Database& database, std::int64_t deleted_before_ms, std::int64_t now_ms);
// That something was removed whose traces must be overwritten.
void expect_erasure(SQLite::Database& database);
bool erasure_expected(SQLite::Database& database);
// Takes what was removed out of the search index, bit by bit: whether that is done. is_first: it begins.
bool merge_index(SQLite::Database& database, bool is_first);
// Overwrites the traces, outside of a transaction.
StoreStatus erase_traces(SQLite::Database& database);

}  // namespace aloud
