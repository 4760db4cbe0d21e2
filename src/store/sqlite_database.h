// SQLite, as the store uses it: opening a database, statements with their values, errors by kind.
// What is declared here throws SQLite::Exception; read and write of sqlite_store.cc are where that ends.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <concepts>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "store/access.h"
#include "store/store_error.h"

namespace aloud {

enum class DatabaseUse { kRead, kWrite };

// Opens a file that is there. Every connection checks references, erases what it deletes, and waits for other
// processes for a few seconds; one that writes logs ahead and syncs at every commit. `vfs`: SQLite's name of
// the file system; empty: the usual one.
SQLite::Database open_database(const std::string& path, DatabaseUse use, const std::string& vfs);

// `what` names the database.
StoreError store_error(const SQLite::Exception& error, const std::string& what);

inline void bind_value(SQLite::Statement& statement, int index, std::string_view text) {
  statement.bind(index, std::string(text));
}
template <std::integral Integer>
void bind_value(SQLite::Statement& statement, int index, Integer number) {
  statement.bind(index, static_cast<std::int64_t>(number));
}
inline void bind_value(SQLite::Statement& statement, int index, const SecretHash& hash) {
  statement.bind(index, hash.data(), static_cast<int>(hash.size()));
}
template <std::same_as<nlohmann::ordered_json> Json>
void bind_value(SQLite::Statement& statement, int index, const Json& json) {
  statement.bind(index, json.is_null() ? "" : json.dump(-1, ' ', false, Json::error_handler_t::replace));
}
template <class Value>
void bind_value(SQLite::Statement& statement, int index, const std::optional<Value>& value) {
  if (value) {
    bind_value(statement, index, *value);
  } else {
    statement.bind(index);
  }
}

// prepare(database, "SELECT ... WHERE owner = ? AND id = ?", owner, id): the values stand for the question
// marks.
template <class... Values>
SQLite::Statement prepare(SQLite::Database& database, const std::string& sql, const Values&... values) {
  SQLite::Statement statement(database, sql);
  int index = 0;
  (bind_value(statement, ++index, values), ...);
  return statement;
}

// Runs a statement that returns no rows; how many rows it changed.
template <class... Values>
std::int64_t execute(SQLite::Database& database, const std::string& sql, const Values&... values) {
  return prepare(database, sql, values...).exec();
}

inline std::string text_at(const SQLite::Statement& row, int column) {
  return row.getColumn(column).getString();
}
inline std::int64_t number_at(const SQLite::Statement& row, int column) {
  return row.getColumn(column).getInt64();
}
std::optional<std::int64_t> optional_number_at(const SQLite::Statement& row, int column);
// Text that is not JSON, or nested absurdly (a foreign file), is null.
nlohmann::ordered_json json_at(const SQLite::Statement& row, int column);

}  // namespace aloud
