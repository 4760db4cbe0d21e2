// A file system for SQLite that fails when it is told to, and knows what would be left after the power went.
#pragma once

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/check.h"

namespace aloud {

// Files are those of the usual file system; beside each of them stands what has reached the disk, and every
// change since the last sync. Nothing is really synced, so tests are fast. Any thread.
class FaultyDisk {
 public:
  FaultyDisk();
  ~FaultyDisk() { sqlite3_vfs_unregister(&vfs_); }
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  // For SqliteStoreOptions::vfs.
  const std::string& name() const { return name_; }

  std::atomic<bool> full = false;         // no write finds space
  std::atomic<bool> writes_fail = false;  // for another reason
  std::atomic<bool> syncs_fail = false;
  // The operation (writes, syncs, truncations, from 1 on) that the machine does not survive: it and all that
  // follow fail, whatever they are.
  std::atomic<std::int64_t> crash_at = std::numeric_limits<std::int64_t>::max();
  std::atomic<std::int64_t> operations = 0;

  bool crashed() const { return operations >= crash_at; }
  // Changes that a crash could lose.
  std::size_t unsynced() const;
  // The files as the next start would find them: each change that was not synced is there, or is not, or in
  // parts.
  void write_remains(const std::string& folder, std::uint32_t seed) const;

 private:
  // Bytes that were written, or the new size of the file.
  struct Change {
    std::int64_t offset = 0;
    std::vector<char> bytes;
    bool truncates = false;
  };
  struct Shadow {
    std::vector<char> durable;
    std::vector<Change> pending;
    bool deleted = false;  // which a crash may undo unless the folder was synced
  };
  // SQLite allocates it, with the file of the usual file system right behind.
  struct File {
    sqlite3_file base;
    FaultyDisk* disk;
    Shadow* shadow;  // nullptr: a temporary file
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  static File& file_of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
  static FaultyDisk& disk_of(sqlite3_vfs* vfs) { return *static_cast<FaultyDisk*>(vfs->pAppData); }
  static const sqlite3_io_methods& methods();
  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags);
  static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder);
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset);
  static int truncate(sqlite3_file* file, sqlite3_int64 size);
  static int sync(sqlite3_file* file, int flags);

  bool survives_next() { return ++operations < crash_at; }
  static void apply(const Change& change, std::vector<char>& bytes, std::mt19937* random);

  sqlite3_vfs* const usual_ = sqlite3_vfs_find(nullptr);
  sqlite3_vfs vfs_;
  std::string name_;
  mutable std::mutex mutex_;
  std::map<std::string, Shadow> shadows_;
};

inline FaultyDisk::FaultyDisk() : vfs_(*usual_), name_(fmt::format("faulty-{}", fmt::ptr(this))) {
  // What is not replaced works on names and clocks only, and does not look at its first argument.
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(File)) + usual_->szOsFile;
  vfs_.xOpen = open;
  vfs_.xDelete = remove;
  CHECK(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK);
}

inline std::size_t FaultyDisk::unsynced() const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& [path, shadow] : shadows_) count += shadow.deleted ? 0 : shadow.pending.size();
  return count;
}

inline void FaultyDisk::write_remains(const std::string& folder, std::uint32_t seed) const {
  const std::lock_guard lock(mutex_);
  std::mt19937 random(seed);
  for (const auto& [path, shadow] : shadows_) {
    if (shadow.deleted && (shadow.durable.empty() || random() % 2 == 0)) continue;
    std::vector<char> bytes = shadow.durable;
    for (const Change& change : shadow.pending) apply(change, bytes, &random);
    std::ofstream out(std::filesystem::path(folder) / std::filesystem::path(path).filename(),
                      std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    CHECK(out.good());
  }
}

// With `random`, sector by sector by chance; a third of the changes is not there at all, a third is complete.
inline void FaultyDisk::apply(const Change& change, std::vector<char>& bytes, std::mt19937* random) {
  constexpr std::size_t kSector = 512;
  const std::uint32_t fate = random == nullptr ? 0 : (*random)() % 3;
  if (fate == 1) return;
  if (change.truncates) {
    bytes.resize(static_cast<std::size_t>(change.offset));
    return;
  }
  for (std::size_t done = 0; done < change.bytes.size(); done += kSector) {
    if (fate == 2 && (*random)() % 2 == 0) continue;
    const std::size_t count = std::min(kSector, change.bytes.size() - done);
    const std::size_t at = static_cast<std::size_t>(change.offset) + done;
    if (bytes.size() < at + count) bytes.resize(at + count);
    std::memcpy(bytes.data() + at, change.bytes.data() + done, count);
  }
}

inline int FaultyDisk::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* out, int flags,
                            int* out_flags) {
  FaultyDisk& disk = disk_of(vfs);
  File& file = *new (out) File{};
  if (disk.crashed()) return SQLITE_CANTOPEN;
  const int code = disk.usual_->xOpen(disk.usual_, path, file.real(), flags, out_flags);
  if (code != SQLITE_OK) return code;
  file.base.pMethods = &methods();
  file.disk = &disk;
  if (path == nullptr) return SQLITE_OK;
  const std::lock_guard lock(disk.mutex_);
  const auto [place, is_new] = disk.shadows_.try_emplace(path);
  file.shadow = &place->second;
  if (is_new) {
    std::ifstream in(path, std::ios::binary);
    file.shadow->durable.assign(std::istreambuf_iterator<char>(in), {});
  } else if (file.shadow->deleted) {
    *file.shadow = {};
  }
  return SQLITE_OK;
}

inline int FaultyDisk::remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
  FaultyDisk& disk = disk_of(vfs);
  if (disk.crashed()) return SQLITE_IOERR_DELETE;
  const std::lock_guard lock(disk.mutex_);
  if (const auto found = disk.shadows_.find(path); found != disk.shadows_.end()) {
    found->second.deleted = true;
    if (sync_folder != 0) found->second = {.deleted = true};
  }
  return disk.usual_->xDelete(disk.usual_, path, 0);
}

inline int FaultyDisk::write(sqlite3_file* sqlite_file, const void* bytes, int size, sqlite3_int64 offset) {
  File& file = file_of(sqlite_file);
  FaultyDisk& disk = *file.disk;
  const bool survives = disk.survives_next();
  if (disk.full) return SQLITE_FULL;
  if (disk.writes_fail) return SQLITE_IOERR_WRITE;
  if (file.shadow != nullptr) {
    const auto* begin = static_cast<const char*>(bytes);
    const std::lock_guard lock(disk.mutex_);
    file.shadow->pending.push_back({offset, {begin, begin + size}});
  }
  return survives ? file.real()->pMethods->xWrite(file.real(), bytes, size, offset) : SQLITE_IOERR_WRITE;
}

inline int FaultyDisk::truncate(sqlite3_file* sqlite_file, sqlite3_int64 size) {
  File& file = file_of(sqlite_file);
  if (!file.disk->survives_next()) return SQLITE_IOERR_TRUNCATE;
  if (file.shadow != nullptr) {
    const std::lock_guard lock(file.disk->mutex_);
    file.shadow->pending.push_back({size, {}, true});
  }
  return file.real()->pMethods->xTruncate(file.real(), size);
}

inline int FaultyDisk::sync(sqlite3_file* sqlite_file, int) {
  File& file = file_of(sqlite_file);
  if (!file.disk->survives_next() || file.disk->syncs_fail) return SQLITE_IOERR_FSYNC;
  if (file.shadow == nullptr) return SQLITE_OK;
  const std::lock_guard lock(file.disk->mutex_);
  for (const Change& change : file.shadow->pending) apply(change, file.shadow->durable, nullptr);
  file.shadow->pending.clear();
  return SQLITE_OK;
}

// Whatever is not a change goes to the real file, as long as the machine lives.
inline const sqlite3_io_methods& FaultyDisk::methods() {
  static const sqlite3_io_methods kMethods = {
      .iVersion = 2,
      .xClose = [](sqlite3_file* f) { return file_of(f).real()->pMethods->xClose(file_of(f).real()); },
      .xRead =
          [](sqlite3_file* f, void* bytes, int size, sqlite3_int64 offset) {
            if (file_of(f).disk->crashed()) return SQLITE_IOERR_READ;
            return file_of(f).real()->pMethods->xRead(file_of(f).real(), bytes, size, offset);
          },
      .xWrite = write,
      .xTruncate = truncate,
      .xSync = sync,
      .xFileSize =
          [](sqlite3_file* f, sqlite3_int64* size) {
            return file_of(f).real()->pMethods->xFileSize(file_of(f).real(), size);
          },
      .xLock = [](sqlite3_file* f,
                  int level) { return file_of(f).real()->pMethods->xLock(file_of(f).real(), level); },
      .xUnlock = [](sqlite3_file* f,
                    int level) { return file_of(f).real()->pMethods->xUnlock(file_of(f).real(), level); },
      .xCheckReservedLock =
          [](sqlite3_file* f, int* out) {
            return file_of(f).real()->pMethods->xCheckReservedLock(file_of(f).real(), out);
          },
      .xFileControl =
          [](sqlite3_file* f, int operation, void* argument) {
            return file_of(f).real()->pMethods->xFileControl(file_of(f).real(), operation, argument);
          },
      .xSectorSize =
          [](sqlite3_file* f) { return file_of(f).real()->pMethods->xSectorSize(file_of(f).real()); },
      .xDeviceCharacteristics =
          [](sqlite3_file* f) {
            return file_of(f).real()->pMethods->xDeviceCharacteristics(file_of(f).real());
          },
      .xShmMap =
          [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
            return file_of(f).real()->pMethods->xShmMap(file_of(f).real(), page, size, extend, out);
          },
      .xShmLock =
          [](sqlite3_file* f, int offset, int count, int flags) {
            return file_of(f).real()->pMethods->xShmLock(file_of(f).real(), offset, count, flags);
          },
      .xShmBarrier = [](sqlite3_file* f) { file_of(f).real()->pMethods->xShmBarrier(file_of(f).real()); },
      .xShmUnmap =
          [](sqlite3_file* f, int remove_file) {
            return file_of(f).real()->pMethods->xShmUnmap(file_of(f).real(), remove_file);
          }};
  return kMethods;
}

}  // namespace aloud
