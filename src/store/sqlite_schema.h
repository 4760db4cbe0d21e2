// The tables of the store in SQLite, and how older files are brought up to date.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include "base/result.h"

namespace aloud {

// Whether a file is ours and not from a newer program; an empty one is. Errors say what it is instead.
// Throws SQLite::Exception.
Status check_schema(SQLite::Database& database);

// Brings an open database that passed check_schema to the schema of this program: all of it or nothing.
// Throws SQLite::Exception.
void migrate(SQLite::Database& database);

}  // namespace aloud
