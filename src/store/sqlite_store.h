// The store in a SQLite database of this machine: one thread writes, every reader has a connection of its
// own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "store/data_folder.h"
#include "store/store.h"

namespace aloud {

inline constexpr const char* kDatabaseName = "aloud.db";

struct SqliteStoreOptions {
  std::string folder;                // made, private, if it is not there
  FolderUse use = FolderUse::kTool;  // kServe: this process writes the replies; those that an earlier one
                                     // left running are interrupted. Not kReplace.
  std::string vfs;                   // SQLite's name of the file system, for tests; empty: the usual one
  std::function<std::int64_t()> now_ms = {};  // milliseconds since 1970; empty: the system's clock
  // With kServe: the store was opened and can be read, but now it cannot be written. Called before
  // open_sqlite_store returns.
  std::function<void(const StoreError&)> on_refusal = {};
};

// Errors: the folder or the file cannot be made, read or written, is in use in a way that does not go with
// this one, is of another program, or of a newer version of this one. What the store itself fails with does
// not name the folder: clients are told of it.
Result<std::unique_ptr<Store>> open_sqlite_store(SqliteStoreOptions options);

}  // namespace aloud
