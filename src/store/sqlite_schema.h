// The tables of the store in SQLite, and how older files are brought up to date.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include "base/result.h"

namespace aloud {

// The version of a file that is ours and not from a newer program; 0: it is empty. Errors say what it is
// instead. Throws SQLite::Exception.
Result<int> schema_version(SQLite::Database& database);

// Whether SQLite finds the file, its references and the search index whole; errors name the first thing that
// is not. Reads all of it. Throws SQLite::Exception.
Status check_integrity(SQLite::Database& database);

// Writes what is there already. Throws SQLite::Exception where nothing can be written now.
void check_writable(SQLite::Database& database);

// Brings an open database that is ours to the schema of this program: all of it or nothing.
// Throws SQLite::Exception.
void migrate(SQLite::Database& database);

}  // namespace aloud
