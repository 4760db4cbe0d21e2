// While one group is synced the next one gathers, so the group grows with the load and nobody waits for a
// clock.
#include "store/sqlite_writer.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "store/sqlite_database.h"

namespace aloud {
namespace {

constexpr std::size_t kMaxGroup = 256;  // bounds how long one commit takes

}  // namespace

SqliteWriter::SqliteWriter(SQLite::Database database, std::string name)
    : name_(std::move(name)), database_(std::move(database)), thread_([this] { run(); }) {}

SqliteWriter::~SqliteWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

StoreStatus SqliteWriter::write(Work work) { return submit({.work = std::move(work)}); }

StoreStatus SqliteWriter::write_alone(Work work) { return submit({.work = std::move(work), .alone = true}); }

StoreStatus SqliteWriter::submit(Job job) {
  std::unique_lock lock(mutex_);
  waiting_.push_back(&job);
  arrived_.notify_one();
  finished_.wait(lock, [&] { return job.done; });
  return std::move(job.status);
}

void SqliteWriter::run() {
  while (true) {
    const std::vector<Job*> group = next_group();
    if (group.empty()) return;
    if (group.front()->alone) {
      run_alone(*group.front());
    } else {
      run_group(group);
    }
    const std::lock_guard lock(mutex_);
    for (Job* job : group) job->done = true;
    finished_.notify_all();
  }
}

// In the order of arrival; empty: there will be none.
std::vector<SqliteWriter::Job*> SqliteWriter::next_group() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return stopping_ || !waiting_.empty(); });
  auto end = std::find_if(waiting_.begin(), waiting_.end(), [](const Job* job) { return job->alone; });
  if (end == waiting_.begin() && end != waiting_.end()) ++end;
  end = std::min(end, waiting_.begin() + std::min(kMaxGroup, waiting_.size()));
  std::vector<Job*> group(waiting_.begin(), end);
  waiting_.erase(waiting_.begin(), end);
  return group;
}

void SqliteWriter::run_alone(Job& job) {
  try {
    job.status = job.work(database_);
  } catch (const SQLite::Exception& error) {
    fail_all({&job}, error);
  }
}

void SqliteWriter::run_group(const std::vector<Job*>& group) {
  try {
    database_.exec("BEGIN IMMEDIATE");
    for (Job* job : group) run_within(*job);
    database_.exec("COMMIT");
  } catch (const SQLite::Exception& error) {
    fail_all(group, error);
  }
}

// Throws what ends the whole transaction, and only that.
void SqliteWriter::run_within(Job& job) {
  database_.exec("SAVEPOINT job");
  try {
    job.status = job.work(database_);
  } catch (const SQLite::Exception& error) {
    if (sqlite3_get_autocommit(database_.getHandle()) != 0) throw;  // SQLite has rolled everything back
    job.status = tl::unexpected(store_error(error, name_));
  }
  if (!job.status) database_.exec("ROLLBACK TO job");
  database_.exec("RELEASE job");
}

// Nothing of the group was committed, whatever its jobs thought.
void SqliteWriter::fail_all(const std::vector<Job*>& group, const SQLite::Exception& error) {
  database_.tryExec("ROLLBACK");  // an error if SQLite has done so by itself
  const StoreError why = store_error(error, name_);
  for (Job* job : group) {
    if (job->status) job->status = tl::unexpected(why);
  }
}

}  // namespace aloud
