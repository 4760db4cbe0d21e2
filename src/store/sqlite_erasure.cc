// Erasing: what is deleted must be found in no file of the store.
// SQLite overwrites the rows that it deletes, but not the copies that it left behind when it moved rows
// between pages, nor, before 3.42, what the search index says of them. So the index is merged, which drops
// what was deleted, the file is rewritten from the rows that are left, and the log, where all of it went by,
// is emptied. Only the last two cannot be done bit by bit.
#include <string>

#include "store/sqlite_database.h"
#include "store/sqlite_tables.h"

namespace aloud {
namespace {

// What takes a few hundredths of a second.
constexpr std::int64_t kRowsAtOnce = 16;
constexpr std::int64_t kIndexPagesAtOnce = 500;

}  // namespace

RemovedRows remove_some(SQLite::Database& database, std::int64_t deleted_before_ms, std::int64_t now_ms) {
  const std::int64_t conversations =
      execute(database,
              "DELETE FROM conversations WHERE number IN (SELECT number FROM conversations "
              "WHERE deleted_ms > 0 AND deleted_ms < ? LIMIT ?)",
              deleted_before_ms, kRowsAtOnce);
  const std::int64_t responses = execute(database,
                                         "DELETE FROM responses WHERE rowid IN (SELECT rowid FROM responses "
                                         "WHERE expires_ms > 0 AND expires_ms <= ? LIMIT ?)",
                                         now_ms, kRowsAtOnce);
  execute(database, "DELETE FROM sessions WHERE expires_ms <= ?", now_ms);
  if (conversations + responses > 0) expect_erasure(database);
  return {.conversations = conversations, .are_all = conversations < kRowsAtOnce && responses < kRowsAtOnce};
}

// A negative number begins to merge all that there is; fewer than two changes are none: SQLite's manual
// of FTS5, the command merge.
bool merge_index(SQLite::Database& database, bool is_first) {
  const int before = database.getTotalChanges();
  execute(database, "INSERT INTO message_index (message_index, rank) VALUES ('merge', ?)",
          is_first ? -kIndexPagesAtOnce : kIndexPagesAtOnce);
  return database.getTotalChanges() - before < 2;
}

void expect_erasure(SQLite::Database& database) {
  execute(database, "INSERT OR IGNORE INTO erasures (pending) VALUES (1)");
}

bool erasure_expected(SQLite::Database& database) {
  return prepare(database, "SELECT 1 FROM erasures").executeStep();
}

StoreStatus erase_traces(SQLite::Database& database) {
  database.exec("VACUUM");
  SQLite::Statement checkpoint = prepare(database, "PRAGMA wal_checkpoint(TRUNCATE)");
  if (!checkpoint.executeStep() || number_at(checkpoint, 0) != 0) {
    return fail_store(StoreError::Kind::kUnavailable,
                      "the log cannot be emptied while another program reads the database; try again");
  }
  checkpoint.reset();
  execute(database, "DELETE FROM erasures");
  return {};
}

}  // namespace aloud
