// Each migration is a text; user_version counts those that a file has been through.
#include "store/sqlite_schema.h"

#include <fmt/format.h>

#include <iterator>

namespace aloud {
namespace {

constexpr int kApplicationId =
    0x616C6F75;  // "alou", so that a database of something else is not taken for ours

// Rows have a number of their own besides the id of the API: it is what the search index names them by.
// A running reply is not indexed: it changes about once a second, and is indexed when that ends.
constexpr const char* kFirst = R"sql(
CREATE TABLE conversations (
  number INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  id TEXT NOT NULL,
  title TEXT NOT NULL,
  folder TEXT NOT NULL,
  pinned INTEGER NOT NULL,
  archived INTEGER NOT NULL,
  active_leaf TEXT NOT NULL,
  settings TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  deleted_ms INTEGER NOT NULL,
  UNIQUE (owner, id)
) STRICT;
CREATE INDEX conversations_by_time ON conversations (owner, pinned DESC, updated_ms DESC, id DESC)
  WHERE deleted_ms = 0;
CREATE INDEX conversations_deleted ON conversations (deleted_ms) WHERE deleted_ms > 0;

CREATE TABLE messages (
  number INTEGER PRIMARY KEY,
  conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
  id TEXT NOT NULL,
  parent TEXT,
  role TEXT NOT NULL,
  thought TEXT NOT NULL,
  content TEXT NOT NULL,
  tool_calls TEXT NOT NULL,
  tool_call_id TEXT NOT NULL,
  model TEXT NOT NULL,
  status TEXT NOT NULL,
  finish_reason TEXT NOT NULL,
  usage TEXT NOT NULL,
  timings TEXT NOT NULL,
  extra TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE (conversation, id),
  FOREIGN KEY (conversation, parent) REFERENCES messages (conversation, id)
) STRICT;
CREATE INDEX messages_by_parent ON messages (conversation, parent);
CREATE INDEX messages_running ON messages (number) WHERE status = 'running';

CREATE TABLE reply_parts (
  message INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
  part INTEGER NOT NULL,
  thought TEXT NOT NULL,
  content TEXT NOT NULL,
  PRIMARY KEY (message, part)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE message_index USING fts5 (
  thought, content, content = 'messages', content_rowid = 'number', tokenize = 'trigram'
);
CREATE TRIGGER messages_inserted AFTER INSERT ON messages WHEN new.status <> 'running' BEGIN
  INSERT INTO message_index (rowid, thought, content) VALUES (new.number, new.thought, new.content);
END;
CREATE TRIGGER messages_deleted BEFORE DELETE ON messages WHEN old.status <> 'running' BEGIN
  INSERT INTO message_index (message_index, rowid, thought, content)
    VALUES ('delete', old.number, old.thought, old.content);
END;
CREATE TRIGGER messages_changing BEFORE UPDATE ON messages WHEN old.status <> 'running' BEGIN
  INSERT INTO message_index (message_index, rowid, thought, content)
    VALUES ('delete', old.number, old.thought, old.content);
END;
CREATE TRIGGER messages_changed AFTER UPDATE ON messages WHEN new.status <> 'running' BEGIN
  INSERT INTO message_index (rowid, thought, content) VALUES (new.number, new.thought, new.content);
END;

CREATE TABLE responses (
  owner TEXT NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL,
  status TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  PRIMARY KEY (owner, id)
) STRICT;

CREATE TABLE keys (
  name TEXT NOT NULL PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  requests_per_minute INTEGER,
  tokens_per_day INTEGER,
  created_ms INTEGER NOT NULL,
  last_used_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE sessions (
  hash BLOB NOT NULL PRIMARY KEY,
  key_name TEXT NOT NULL REFERENCES keys ON DELETE CASCADE,
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_key ON sessions (key_name);
CREATE TABLE usage (
  owner TEXT NOT NULL,
  day TEXT NOT NULL,
  requests INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  reasoning_tokens INTEGER NOT NULL,
  PRIMARY KEY (owner, day)
) STRICT, WITHOUT ROWID;

-- A row: something was deleted, and what is left of it between the rows of the file is not overwritten yet.
CREATE TABLE erasures (pending INTEGER NOT NULL PRIMARY KEY) STRICT;
)sql";

constexpr const char* kMigrations[] = {kFirst};
constexpr int kVersion = std::size(kMigrations);

int pragma(SQLite::Database& database, const char* name) {
  return database.execAndGet(fmt::format("PRAGMA {}", name)).getInt();
}

}  // namespace

Result<int> schema_version(SQLite::Database& database) {
  if (database.execAndGet("SELECT count(*) FROM sqlite_schema").getInt() == 0) return 0;
  if (pragma(database, "application_id") != kApplicationId) {
    return fail("a database of another program, expected one of aloud");
  }
  const int version = pragma(database, "user_version");
  if (version <= kVersion) return version;
  return fail("version {} of the database, this program knows up to {}: it was written by a newer one",
              version, kVersion);
}

Status check_integrity(SQLite::Database& database) {
  SQLite::Statement check(database, "PRAGMA integrity_check(1)");
  if (!check.executeStep()) return fail("damaged: SQLite cannot check it");
  if (const std::string found = check.getColumn(0).getString(); found != "ok")
    return fail("damaged: {}", found);
  if (SQLite::Statement(database, "PRAGMA foreign_key_check").executeStep()) {
    return fail("damaged: rows that refer to what is not there");
  }
  return {};
}

void check_writable(SQLite::Database& database) {
  database.exec(fmt::format("PRAGMA user_version = {}", kVersion));
}

void migrate(SQLite::Database& database) {
  // Nothing is written where nothing is to be done: what is on a full disk can still be read.
  if (pragma(database, "user_version") == kVersion) return;
  // Immediate: of two programs that start at once, the second finds the work done.
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  for (int version = pragma(database, "user_version"); version < kVersion; ++version) {
    database.exec(kMigrations[version]);
  }
  database.exec(fmt::format("PRAGMA application_id = {}", kApplicationId));
  database.exec(fmt::format("PRAGMA user_version = {}", kVersion));
  transaction.commit();
}

}  // namespace aloud
