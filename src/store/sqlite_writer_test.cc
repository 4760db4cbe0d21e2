// Groups of writes: committed together, failing apart.
#include "store/sqlite_writer.h"

#include <gtest/gtest.h>

#include <array>
#include <latch>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/sqlite_database.h"
#include "store/store_testing.h"

namespace aloud {
namespace {

using Kind = StoreError::Kind;

class WriterThreadTest : public testing::Test {
 protected:
  WriterThreadTest() : path_(folder_.path() + "/test.db") {
    CHECK(make_private_file(path_).has_value());
    SQLite::Database database = open_database(path_, DatabaseUse::kWrite, "");
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE numbers (number INTEGER PRIMARY KEY)");
    writer_ = std::make_unique<SqliteWriter>(std::move(database), path_);
  }

  static StoreStatus add(SQLite::Database& database, int number) {
    execute(database, "INSERT INTO numbers (number) VALUES (?)", number);
    return {};
  }
  int count() {
    SQLite::Database database = open_database(path_, DatabaseUse::kRead, "");
    return database.execAndGet("SELECT count(*) FROM numbers").getInt();
  }

  // Keeps the writer busy until `threads` threads have had time to queue their work, and runs that.
  template <class Call>
  void at_once(int threads, Call call) {
    std::latch begun(1);
    std::latch queued(threads);
    std::thread first([&] {
      EXPECT_TRUE(writer_->write_alone([&](SQLite::Database&) -> StoreStatus {
        begun.count_down();
        queued.wait();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        return {};
      }));
    });
    begun.wait();
    std::vector<std::thread> others;
    for (int i = 0; i < threads; ++i) {
      others.emplace_back([&, i] {
        queued.count_down();
        call(i);
      });
    }
    for (std::thread& other : others) other.join();
    first.join();
  }

  TemporaryFolder folder_;
  std::string path_;
  std::unique_ptr<SqliteWriter> writer_;
};

TEST_F(WriterThreadTest, WritesOfManyShareTransactions) {
  std::set<int> transactions;  // by how many rows were committed when they began
  at_once(32, [&](int i) {
    EXPECT_TRUE(writer_->write([&, i](SQLite::Database& database) -> StoreStatus {
      transactions.insert(count());
      return add(database, i);
    }));
  });
  EXPECT_EQ(count(), 32);
  EXPECT_LT(transactions.size(), 16u);
}

TEST_F(WriterThreadTest, OneThatFailsTakesNobodyWithIt) {
  at_once(12, [&](int i) {
    const StoreStatus status = writer_->write([i](SQLite::Database& database) -> StoreStatus {
      TRY(add(database, i));
      if (i % 3 == 1) return fail_store(Kind::kInvalid, "{} is not wanted", i);
      if (i % 3 == 2) return add(database, i);  // there already: SQLite throws
      return {};
    });
    const std::string why = status ? "" : status.error().message;
    const std::array<std::string, 3> expected = {"", "not wanted", "UNIQUE"};
    EXPECT_EQ(status.has_value(), i % 3 == 0);
    EXPECT_NE(why.find(expected[i % 3]), why.npos) << why;
  });
  EXPECT_EQ(count(), 4);
}

TEST_F(WriterThreadTest, AnotherProcessThatWritesIsWaitedFor) {
  SQLite::Database other = open_database(path_, DatabaseUse::kWrite, "");
  other.exec("BEGIN IMMEDIATE");
  std::thread writing(
      [&] { EXPECT_TRUE(writer_->write([](SQLite::Database& database) { return add(database, 1); })); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  other.exec("INSERT INTO numbers VALUES (2)");
  other.exec("COMMIT");
  writing.join();
  EXPECT_EQ(count(), 2);
}

}  // namespace
}  // namespace aloud
