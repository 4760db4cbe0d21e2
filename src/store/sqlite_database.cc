// How each connection is set up, and what SQLite's codes mean for callers.
#include "store/sqlite_database.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

#include "base/printable.h"

namespace aloud {
namespace {

constexpr int kBusyTimeoutMs = 5000;  // another process (a command beside the server) may be writing
constexpr int kMaxJsonDepth = 256;

// synchronous = EXTRA: every commit to the log is synced, and so is the removal of the journal that a new
// file begins with; were that lost in a crash, the journal would undo whatever was written since.
constexpr const char* kEverywhere =
    "PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA cell_size_check = ON; "
    "PRAGMA synchronous = EXTRA;";

}  // namespace

SQLite::Database open_database(const std::string& path, DatabaseUse use, const std::string& vfs) {
  const int flags = use == DatabaseUse::kWrite ? SQLite::OPEN_READWRITE : SQLite::OPEN_READONLY;
  SQLite::Database database(path, flags | SQLITE_OPEN_NOMUTEX, kBusyTimeoutMs, vfs);
  sqlite3_db_config(database.getHandle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  database.exec(kEverywhere);
  return database;
}

StoreError store_error(const SQLite::Exception& error, const std::string& what) {
  const int code = error.getExtendedErrorCode() > 0 ? error.getExtendedErrorCode() : error.getErrorCode();
  const bool full =
      (code & 0xFF) == SQLITE_FULL || code == SQLITE_IOERR_SHMSIZE;  // the latter: of the log's index
  return {full ? StoreError::Kind::kFull : StoreError::Kind::kUnavailable,
          fmt::format("{}: {}", printable(what), full ? "no space left on the disk" : error.what())};
}

std::optional<std::int64_t> optional_number_at(const SQLite::Statement& row, int column) {
  if (row.isColumnNull(column)) return std::nullopt;
  return number_at(row, column);
}

nlohmann::ordered_json json_at(const SQLite::Statement& row, int column) {
  using nlohmann::ordered_json;
  const auto shallow = [](int depth, ordered_json::parse_event_t, ordered_json&) {
    return depth < kMaxJsonDepth;
  };
  auto json = ordered_json::parse(text_at(row, column), shallow, false);
  return json.is_discarded() ? nlohmann::ordered_json() : json;
}

}  // namespace aloud
