// VACUUM INTO copies what is there at one moment, and nothing of what was deleted before.
#include "store/sqlite_backup.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "base/printable.h"
#include "store/data_folder.h"
#include "store/sqlite_database.h"
#include "store/sqlite_schema.h"
#include "store/sqlite_store.h"

namespace aloud {
namespace {

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(std::filesystem::symlink_status(path, error));
}

// Examines a database, and writes a copy of it to a new file that is on disk when this returns. What there is
// of the copy after an error is removed.
Status copy_database(const std::string& from, const std::string& to, bool examine) {
  const int file = ::open(to.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return fail("{}: {}", printable(to), std::strerror(errno));
  ::close(file);
  const auto copy = [&]() -> Status {
    try {
      SQLite::Database database = open_database(from, DatabaseUse::kRead, "");
      TRY_ASSIGN(const int version, schema_version(database));
      if (version == 0) return fail("an empty database");
      if (examine) TRY(check_integrity(database));
      execute(database, "VACUUM INTO ?", to);
    } catch (const SQLite::Exception& error) {
      return fail("{}", error.what());
    }
    return sync_to_disk(to);
  };
  const Status copied = copy();
  if (copied) return {};
  ::unlink(to.c_str());
  return fail("{}: {}", printable(from), copied.error().message);
}

// Brings the log of a database that nobody uses into its file; one that SQLite cannot read keeps its log
// beside it.
Status settle_log(const std::string& path, const std::string& kept) {
  try {
    SQLite::Database database = open_database(path, DatabaseUse::kWrite, "");
    prepare(database, "PRAGMA wal_checkpoint(TRUNCATE)").executeStep();
  } catch (const SQLite::Exception&) {
  }
  const std::string log = path + "-wal";
  if (exists(log) && ::rename(log.c_str(), (kept + "-wal").c_str()) != 0) {
    return fail("{}: {}", printable(log), std::strerror(errno));
  }
  ::unlink((path + "-shm").c_str());
  return {};
}

std::string kept_name(const std::string& path) {
  const std::string base = fmt::format("{}.before-{:%Y%m%d-%H%M%S}", path, fmt::gmtime(std::time(nullptr)));
  std::string name = base;
  for (int i = 2; exists(name); ++i) name = fmt::format("{}-{}", base, i);
  return name;
}

}  // namespace

Status backup_store(const std::string& folder, const std::string& file) {
  const std::string path = folder + "/" + kDatabaseName;
  if (!exists(path)) return fail("{}: there is no database", printable(path));
  if (exists(file)) return fail("{}: is there already", printable(file));
  const std::string partial = file + ".partial";
  TRY(copy_database(path, partial, false));
  if (::rename(partial.c_str(), file.c_str()) != 0) {
    return fail("{}: {}", printable(file), std::strerror(errno));
  }
  const std::filesystem::path target = std::filesystem::path(file).parent_path();
  return sync_to_disk(target.empty() ? "." : target.string());
}

Result<std::string> restore_store(const std::string& folder, const std::string& file) {
  if (!exists(file)) return fail("{}: {}", printable(file), std::strerror(ENOENT));
  const std::string path = folder + "/" + kDatabaseName;
  const std::string fresh = path + ".restoring";
  TRY(make_private_folder(folder));
  TRY_ASSIGN(const FolderLock lock, FolderLock::take(folder, FolderUse::kReplace));
  ::unlink(fresh.c_str());  // of a restore that was interrupted
  TRY(copy_database(file, fresh, true));
  std::string kept;
  if (exists(path)) {
    kept = kept_name(path);
    TRY(settle_log(path, kept));
    // A second name, so that at no moment there is no database.
    if (::link(path.c_str(), kept.c_str()) != 0) return fail("{}: {}", printable(kept), std::strerror(errno));
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0)
    return fail("{}: {}", printable(path), std::strerror(errno));
  TRY(sync_to_disk(folder));
  return kept;
}

}  // namespace aloud
