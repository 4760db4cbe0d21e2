// Conversations: made, listed page by page, changed, deleted and restored.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

#include "base/printable.h"
#include "store/secret.h"
#include "store/sqlite_database.h"
#include "store/sqlite_rows.h"
#include "store/sqlite_tables.h"

namespace aloud {
namespace {

using Kind = StoreError::Kind;

constexpr std::size_t kMaxTitleBytes = 1024;
constexpr std::size_t kMaxFolderBytes = 256;

tl::unexpected<StoreError> not_found(std::string_view id) {
  return fail_store(Kind::kNotFound, "conversation {}: not found", printable(id));
}

StoreStatus check_names(std::string_view title, std::string_view folder) {
  if (title.size() > kMaxTitleBytes) {
    return fail_store(Kind::kInvalid, "title: {} bytes, expected at most {}", title.size(), kMaxTitleBytes);
  }
  if (folder.size() > kMaxFolderBytes) {
    return fail_store(Kind::kInvalid, "folder: {} bytes, expected at most {}", folder.size(),
                      kMaxFolderBytes);
  }
  return {};
}

// Deleted or not.
std::optional<ConversationRow> find_row(SQLite::Database& database, std::string_view owner,
                                        std::string_view id) {
  SQLite::Statement row =
      prepare(database,
              fmt::format("SELECT {} FROM conversations c WHERE owner = ? AND id = ?", kConversationColumns),
              owner, id);
  if (!row.executeStep()) return std::nullopt;
  return conversation_row(row);
}

void store_row(SQLite::Database& database, const ConversationRow& row) {
  const Conversation& c = row.conversation;
  execute(database,
          "UPDATE conversations SET title = ?, folder = ?, pinned = ?, archived = ?, active_leaf = ?, "
          "settings = ?, "
          "updated_ms = ?, deleted_ms = ? WHERE number = ?",
          c.title, c.folder, c.pinned, c.archived, c.active_leaf, c.settings, c.updated_ms, c.deleted_ms,
          row.number);
}

}  // namespace

ConversationRow conversation_row(const SQLite::Statement& row) {
  return {number_at(row, 0),
          {.id = text_at(row, 1),
           .title = text_at(row, 2),
           .folder = text_at(row, 3),
           .pinned = number_at(row, 4) != 0,
           .archived = number_at(row, 5) != 0,
           .active_leaf = text_at(row, 6),
           .settings = json_at(row, 7),
           .created_ms = number_at(row, 8),
           .updated_ms = number_at(row, 9),
           .deleted_ms = number_at(row, 10)}};
}

std::string page_cursor(const Conversation& last) {
  return fmt::format("{}.{}.{}", last.pinned ? 1 : 0, last.updated_ms, last.id);
}

StoreResult<PagePosition> parse_cursor(std::string_view cursor) {
  // Before the first: larger than whatever there is.
  if (cursor.empty()) return PagePosition{2, std::numeric_limits<std::int64_t>::max(), ""};
  PagePosition position;
  const char* end = cursor.data() + cursor.size();
  const auto pinned = std::from_chars(cursor.data(), end, position.pinned);
  if (pinned.ec == std::errc() && pinned.ptr != end && *pinned.ptr == '.') {
    const auto updated = std::from_chars(pinned.ptr + 1, end, position.updated_ms);
    if (updated.ec == std::errc() && updated.ptr != end && *updated.ptr == '.') {
      position.id.assign(updated.ptr + 1, end);
      return position;
    }
  }
  return fail_store(Kind::kInvalid, "cursor: not one that this list gave");
}

StoreStatus check_limit(std::int64_t limit) {
  if (limit >= 1 && limit <= kMostListed) return {};
  return fail_store(Kind::kInvalid, "limit: {}, expected 1 to {}", limit, kMostListed);
}

StoreResult<ConversationRow> find_conversation(SQLite::Database& database, std::string_view owner,
                                               std::string_view id, bool also_deleted) {
  std::optional<ConversationRow> row = find_row(database, owner, id);
  if (!row || (row->conversation.deleted_ms > 0 && !also_deleted)) return not_found(id);
  return *std::move(row);
}

StoreResult<Conversation> insert_conversation(SQLite::Database& database, std::string_view owner,
                                              Conversation conversation, std::vector<StoredMessage> messages,
                                              std::int64_t now_ms) {
  if (conversation.id.empty()) conversation.id = random_id("conv_");
  if (!is_id(conversation.id))
    return fail_store(Kind::kInvalid, "id {}: not an id", printable(conversation.id));
  TRY(check_names(conversation.title, conversation.folder));
  if (std::optional<ConversationRow> present = find_row(database, owner, conversation.id)) {
    if (present->conversation.deleted_ms == 0) return std::move(present->conversation);
    return fail_store(Kind::kConflict, "conversation {}: there is one that was deleted", conversation.id);
  }
  if (conversation.created_ms == 0) conversation.created_ms = now_ms;
  if (conversation.updated_ms == 0) conversation.updated_ms = now_ms;
  conversation.deleted_ms = 0;
  execute(database,
          "INSERT INTO conversations (owner, id, title, folder, pinned, archived, active_leaf, settings, "
          "created_ms, "
          "updated_ms, deleted_ms) VALUES (?, ?, ?, ?, ?, ?, '', ?, ?, ?, 0)",
          owner, conversation.id, conversation.title, conversation.folder, conversation.pinned,
          conversation.archived, conversation.settings, conversation.created_ms, conversation.updated_ms);
  ConversationRow row{database.getLastInsertRowid(), std::move(conversation)};
  TRY_ASSIGN(messages, insert_into(database, row.number, std::move(messages), now_ms));
  std::string& leaf = row.conversation.active_leaf;
  if (leaf.empty() && !messages.empty()) leaf = messages.back().id;
  if (!leaf.empty() && !has_message(database, row.number, leaf)) {
    return fail_store(Kind::kInvalid, "active_leaf {}: no message of this conversation", printable(leaf));
  }
  store_row(database, row);
  return std::move(row.conversation);
}

StoreResult<ConversationPage> list_conversations(SQLite::Database& database, std::string_view owner,
                                                 const ConversationFilter& filter) {
  TRY(check_limit(filter.limit));
  TRY_ASSIGN(const PagePosition after, parse_cursor(filter.cursor));
  SQLite::Statement rows = prepare(
      database,
      fmt::format("SELECT {} FROM conversations c WHERE owner = ?1 AND deleted_ms {} 0 "
                  "AND (?2 IS NULL OR folder = ?2) AND (?3 IS NULL OR archived = ?3) "
                  "AND (pinned, updated_ms, id) < (?4, ?5, ?6) "
                  "ORDER BY pinned DESC, updated_ms DESC, id DESC LIMIT ?7",
                  kConversationColumns, filter.deleted ? ">" : "="),
      owner, filter.folder, filter.archived, after.pinned, after.updated_ms, after.id, filter.limit + 1);
  ConversationPage page;
  while (rows.executeStep()) page.conversations.push_back(conversation_row(rows).conversation);
  if (static_cast<std::int64_t>(page.conversations.size()) > filter.limit) {
    page.conversations.pop_back();
    page.next = page_cursor(page.conversations.back());
  }
  return page;
}

std::vector<Folder> list_folders(SQLite::Database& database, std::string_view owner) {
  SQLite::Statement rows =
      prepare(database,
              "SELECT folder, count(*) FROM conversations WHERE owner = ? AND deleted_ms = 0 "
              "AND folder <> '' GROUP BY folder ORDER BY folder",
              owner);
  std::vector<Folder> folders;
  while (rows.executeStep()) folders.push_back({text_at(rows, 0), number_at(rows, 1)});
  return folders;
}

StoreResult<Conversation> update_conversation(SQLite::Database& database, std::string_view owner,
                                              std::string_view id, const ConversationChange& change) {
  TRY_ASSIGN(ConversationRow row, find_conversation(database, owner, id));
  Conversation& conversation = row.conversation;
  TRY(check_names(change.title.value_or(""), change.folder.value_or("")));
  if (change.active_leaf && !has_message(database, row.number, *change.active_leaf)) {
    return fail_store(Kind::kInvalid, "active_leaf {}: no message of this conversation",
                      printable(*change.active_leaf));
  }
  conversation.title = change.title.value_or(conversation.title);
  conversation.folder = change.folder.value_or(conversation.folder);
  conversation.pinned = change.pinned.value_or(conversation.pinned);
  conversation.archived = change.archived.value_or(conversation.archived);
  conversation.active_leaf = change.active_leaf.value_or(conversation.active_leaf);
  if (change.settings) conversation.settings = *change.settings;
  store_row(database, row);
  return std::move(row.conversation);
}

StoreStatus mark_deleted(SQLite::Database& database, std::string_view owner, std::string_view id,
                         std::int64_t now_ms) {
  std::optional<ConversationRow> row = find_row(database, owner, id);
  if (!row) return not_found(id);
  if (row->conversation.deleted_ms > 0) return {};
  row->conversation.deleted_ms = now_ms;
  store_row(database, *row);
  return {};
}

StoreResult<Conversation> unmark_deleted(SQLite::Database& database, std::string_view owner,
                                         std::string_view id) {
  std::optional<ConversationRow> row = find_row(database, owner, id);
  if (!row) return not_found(id);
  row->conversation.deleted_ms = 0;
  store_row(database, *row);
  return std::move(row->conversation);
}

}  // namespace aloud
