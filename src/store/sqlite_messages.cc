// Messages: read as a tree, added, and replies that grow.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/printable.h"
#include "store/secret.h"
#include "store/sqlite_database.h"
#include "store/sqlite_tables.h"

namespace aloud {
namespace {

using Kind = StoreError::Kind;

constexpr std::array<std::string_view, 4> kRoles = {"system", "user", "assistant", "tool"};
constexpr std::string_view kColumns =
    "number, id, parent, role, thought, content, tool_calls, tool_call_id, model, status, finish_reason, "
    "usage, "
    "timings, extra, created_ms";

struct MessageRow {
  std::int64_t number = 0;
  StoredMessage message;
};

MessageRow message_row(const SQLite::Statement& row) {
  return {number_at(row, 0),
          {.id = text_at(row, 1),
           .parent = text_at(row, 2),
           .role = text_at(row, 3),
           .thought = text_at(row, 4),
           .content = text_at(row, 5),
           .tool_calls = json_at(row, 6),
           .tool_call_id = text_at(row, 7),
           .model = text_at(row, 8),
           .status = find_reply_status(text_at(row, 9)).value_or(ReplyStatus::kFailed),
           .finish_reason = text_at(row, 10),
           .usage = json_at(row, 11),
           .timings = json_at(row, 12),
           .extra = json_at(row, 13),
           .created_ms = number_at(row, 14)}};
}

std::optional<MessageRow> find_message(SQLite::Database& database, std::int64_t conversation,
                                       std::string_view id) {
  SQLite::Statement row =
      prepare(database, fmt::format("SELECT {} FROM messages WHERE conversation = ? AND id = ?", kColumns),
              conversation, id);
  if (!row.executeStep()) return std::nullopt;
  return message_row(row);
}

// What was stored of a running reply since it began or went on.
void append_parts(SQLite::Database& database, MessageRow& row) {
  SQLite::Statement parts = prepare(
      database, "SELECT thought, content FROM reply_parts WHERE message = ? ORDER BY part", row.number);
  while (parts.executeStep()) {
    row.message.thought += text_at(parts, 0);
    row.message.content += text_at(parts, 1);
  }
}

// Everything that may change. Parts are part of the message now, or obsolete.
void store_row(SQLite::Database& database, const MessageRow& row) {
  const StoredMessage& m = row.message;
  execute(database,
          "UPDATE messages SET thought = ?, content = ?, tool_calls = ?, tool_call_id = ?, model = ?, status "
          "= ?, "
          "finish_reason = ?, usage = ?, timings = ?, extra = ? WHERE number = ?",
          m.thought, m.content, m.tool_calls, m.tool_call_id, m.model, name(m.status), m.finish_reason,
          m.usage, m.timings, m.extra, row.number);
  execute(database, "DELETE FROM reply_parts WHERE message = ?", row.number);
}

StoreStatus check_message(SQLite::Database& database, std::int64_t conversation,
                          const StoredMessage& message) {
  if (!is_id(message.id)) return fail_store(Kind::kInvalid, "id {}: not an id", printable(message.id));
  if (std::find(kRoles.begin(), kRoles.end(), message.role) == kRoles.end()) {
    return fail_store(Kind::kInvalid, "role {}: expected system, user, assistant or tool",
                      printable(message.role));
  }
  if (message.status == ReplyStatus::kRunning && message.role != "assistant") {
    return fail_store(Kind::kInvalid, "message {}: only an assistant's may be running", message.id);
  }
  if (!message.parent.empty() && !has_message(database, conversation, message.parent)) {
    return fail_store(Kind::kInvalid, "message {}: its parent {} is not there before it", message.id,
                      printable(message.parent));
  }
  return {};
}

// A message that comes again is the same, but for what grew of it meanwhile.
bool comes_again(const StoredMessage& stored, const StoredMessage& message) {
  return stored.role == message.role && stored.parent == message.parent &&
         (stored.role == "assistant" || stored.content == message.content);
}

void insert_row(SQLite::Database& database, std::int64_t conversation, const StoredMessage& m) {
  const auto parent = m.parent.empty() ? std::nullopt : std::optional(m.parent);
  execute(database,
          "INSERT INTO messages (conversation, id, parent, role, thought, content, tool_calls, tool_call_id, "
          "model, "
          "status, finish_reason, usage, timings, extra, created_ms) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          conversation, m.id, parent, m.role, m.thought, m.content, m.tool_calls, m.tool_call_id, m.model,
          name(m.status), m.finish_reason, m.usage, m.timings, m.extra, m.created_ms);
}

StoreResult<MessageRow> find_reply(SQLite::Database& database, std::string_view owner,
                                   std::string_view conversation, std::string_view id, bool also_deleted) {
  TRY_ASSIGN(const ConversationRow parent, find_conversation(database, owner, conversation, also_deleted));
  std::optional<MessageRow> row = find_message(database, parent.number, id);
  if (!row || row->message.role != "assistant") {
    return fail_store(Kind::kNotFound, "reply {} of conversation {}: not found", printable(id),
                      printable(conversation));
  }
  return *std::move(row);
}

}  // namespace

bool has_message(SQLite::Database& database, std::int64_t conversation, std::string_view id) {
  return prepare(database, "SELECT 1 FROM messages WHERE conversation = ? AND id = ?", conversation, id)
      .executeStep();
}

StoreResult<std::vector<StoredMessage>> read_messages(SQLite::Database& database, std::string_view owner,
                                                      std::string_view conversation) {
  TRY_ASSIGN(const ConversationRow parent, find_conversation(database, owner, conversation));
  SQLite::Statement rows = prepare(
      database, fmt::format("SELECT {} FROM messages WHERE conversation = ? ORDER BY number", kColumns),
      parent.number);
  std::vector<StoredMessage> messages;
  while (rows.executeStep()) {
    MessageRow row = message_row(rows);
    if (row.message.status == ReplyStatus::kRunning) append_parts(database, row);
    messages.push_back(std::move(row.message));
  }
  return messages;
}

StoreResult<std::vector<StoredMessage>> insert_into(SQLite::Database& database, std::int64_t conversation,
                                                    std::vector<StoredMessage> messages,
                                                    std::int64_t now_ms) {
  for (StoredMessage& message : messages) {
    if (message.id.empty()) message.id = random_id("msg_");
    if (message.created_ms == 0) message.created_ms = now_ms;
    if (std::optional<MessageRow> stored = find_message(database, conversation, message.id)) {
      if (!comes_again(stored->message, message)) {
        return fail_store(Kind::kConflict, "message {}: there is another of that id", message.id);
      }
      message = std::move(stored->message);
      continue;
    }
    TRY(check_message(database, conversation, message));
    insert_row(database, conversation, message);
  }
  return messages;
}

StoreResult<std::vector<StoredMessage>> insert_messages(SQLite::Database& database, std::string_view owner,
                                                        std::string_view conversation,
                                                        std::vector<StoredMessage> messages,
                                                        std::int64_t now_ms) {
  TRY_ASSIGN(const ConversationRow parent, find_conversation(database, owner, conversation));
  TRY_ASSIGN(messages, insert_into(database, parent.number, std::move(messages), now_ms));
  if (!messages.empty()) {
    execute(database, "UPDATE conversations SET active_leaf = ?, updated_ms = ? WHERE number = ?",
            messages.back().id, now_ms, parent.number);
  }
  return messages;
}

void insert_parts(SQLite::Database& database, std::span<const ReplyPart> parts) {
  for (const ReplyPart& part : parts) {
    execute(database,
            "INSERT OR IGNORE INTO reply_parts (message, part, thought, content) "
            "SELECT m.number, ?, ?, ? FROM messages m JOIN conversations c ON c.number = m.conversation "
            "WHERE c.owner = ? AND c.id = ? AND m.id = ? AND m.status = 'running'",
            part.number, part.thought, part.content, part.owner, part.conversation, part.message);
  }
}

StoreStatus finish_message(SQLite::Database& database, std::string_view owner, std::string_view conversation,
                           const StoredMessage& message, std::int64_t now_ms) {
  if (message.status == ReplyStatus::kRunning) {
    return fail_store(Kind::kInvalid, "reply {}: finished, and still running", printable(message.id));
  }
  TRY_ASSIGN(MessageRow row, find_reply(database, owner, conversation, message.id, true));
  const StoredMessage stored = std::exchange(row.message, message);
  row.message.parent = stored.parent;
  row.message.role = stored.role;
  row.message.created_ms = stored.created_ms;
  store_row(database, row);
  execute(database, "UPDATE conversations SET updated_ms = ? WHERE owner = ? AND id = ?", now_ms, owner,
          conversation);
  return {};
}

StoreResult<StoredMessage> resume_message(SQLite::Database& database, std::string_view owner,
                                          std::string_view conversation, std::string_view message) {
  TRY_ASSIGN(MessageRow row, find_reply(database, owner, conversation, message, false));
  if (row.message.status == ReplyStatus::kRunning) {
    append_parts(database, row);
    return std::move(row.message);
  }
  row.message.status = ReplyStatus::kRunning;
  store_row(database, row);
  return std::move(row.message);
}

void interrupt_running(SQLite::Database& database) {
  SQLite::Statement rows =
      prepare(database, fmt::format("SELECT {} FROM messages WHERE status = 'running'", kColumns));
  std::vector<MessageRow> running;
  while (rows.executeStep()) running.push_back(message_row(rows));
  for (MessageRow& row : running) {
    append_parts(database, row);
    row.message.status = ReplyStatus::kInterrupted;
    store_row(database, row);
  }
  execute(database, "UPDATE responses SET status = 'interrupted' WHERE status = 'running'");
}

}  // namespace aloud
