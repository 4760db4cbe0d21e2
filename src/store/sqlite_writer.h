// The one thread that writes to the database: what many callers bring at once is committed together.
#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/store_error.h"

namespace aloud {

class SqliteWriter {
 public:
  // May throw SQLite::Exception. An error or an exception undoes what it did and nothing else.
  using Work = std::function<StoreStatus(SQLite::Database&)>;

  // `database` writes; `name` is for messages.
  SqliteWriter(SQLite::Database database, std::string name);
  // No call may be waiting.
  ~SqliteWriter();

  // Runs the work within a transaction, and returns when that is committed and synced, or has failed. Any
  // thread.
  StoreStatus write(Work work);
  // The same outside of a transaction, with no other work beside it: for what SQLite does only there.
  StoreStatus write_alone(Work work);

 private:
  struct Job {
    Work work;
    bool alone = false;
    bool done = false;
    StoreStatus status;
  };

  StoreStatus submit(Job job);
  void run();
  std::vector<Job*> next_group();
  void run_alone(Job& job);
  void run_group(const std::vector<Job*>& group);
  void run_within(Job& job);
  void fail_all(const std::vector<Job*>& group, const SQLite::Exception& error);

  const std::string name_;
  SQLite::Database database_;  // of the thread
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::condition_variable finished_;
  std::vector<Job*> waiting_;  // jobs live on the stacks of their callers
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace aloud
