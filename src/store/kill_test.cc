// A writer that is killed at any moment loses nothing that it said was stored, and stores nothing twice.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/sqlite_database.h"
#include "store/sqlite_schema.h"
#include "store/store_testing.h"

namespace aloud {
namespace {

constexpr const char* kKilledOwner = "alice";
constexpr const char* kFolderVariable = "ALOUD_STORE_VICTIM";
constexpr int kWriters = 3;

// What the child process of the test below runs, until it is killed; else nothing. Says "WRITER NUMBER" on
// stdout for each turn that is acknowledged: a question, a reply, and two parts of that.
TEST(StoreVictim, WritesUntilItIsKilled) {
  const char* folder = std::getenv(kFolderVariable);
  if (folder == nullptr) return;
  auto store = open_sqlite_store({.folder = folder, .use = FolderUse::kServe});
  CHECK(store.has_value());
  const auto write = [&](int writer) {
    const std::string id = "conv_" + std::to_string(writer);
    CHECK((*store)->create_conversation(kKilledOwner, {.id = id}).has_value());
    for (std::size_t turn = (*store)->messages(kKilledOwner, id)->size() / 2;; ++turn) {
      const std::string number = std::to_string(turn);
      CHECK((*store)->add_messages(
          kKilledOwner, id,
          {message_of("q" + number, "", "user", number), running_reply("a" + number, "q" + number)}));
      for (int part = 0; part < 2; ++part) {
        CHECK((*store)->add_reply_parts(
            std::vector<ReplyPart>{{kKilledOwner, id, "a" + number, part, "", std::to_string(part)}}));
      }
      if (turn % 2 == 0)
        CHECK((*store)->finish_reply(kKilledOwner, id, message_of("a" + number, "", "", "01")));
      const std::string line = std::to_string(writer) + " " + number + "\n";
      CHECK(::write(STDOUT_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    }
  };
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) writers.emplace_back(write, writer);
  for (std::thread& writer : writers) writer.join();
}

// This program again, as the victim; its stdout is a pipe.
class Victim {
 public:
  explicit Victim(const std::string& folder) {
    std::array<int, 2> pipe_ends;
    CHECK(::pipe(pipe_ends.data()) == 0);
    process_ = ::fork();
    CHECK(process_ >= 0);
    if (process_ == 0) {
      ::setenv(kFolderVariable, folder.c_str(), 1);
      ::dup2(pipe_ends[1], STDOUT_FILENO);
      ::close(pipe_ends[0]);
      ::close(pipe_ends[1]);
      ::execl("/proc/self/exe", "store_test", "--gtest_filter=StoreVictim.WritesUntilItIsKilled",
              "--gtest_brief=1", nullptr);
      ::_exit(1);
    }
    ::close(pipe_ends[1]);
    output_ = ::fdopen(pipe_ends[0], "r");
  }
  ~Victim() { std::fclose(output_); }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  // Reads acknowledgements into `turns` until there were `count`, waits a little and kills; then the rest of
  // them.
  void live_for(int count, int microseconds, std::set<std::pair<int, int>>& turns) {
    while (count > 0 && read(turns)) --count;
    ::usleep(static_cast<useconds_t>(microseconds));
    ::kill(process_, SIGKILL);
    while (read(turns)) {
    }
    int status = 0;
    ::waitpid(process_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  }

 private:
  // False: the pipe has ended. Lines of the test framework are skipped.
  bool read(std::set<std::pair<int, int>>& turns) {
    std::array<char, 256> line;
    int writer = 0;
    int turn = 0;
    while (std::fgets(line.data(), line.size(), output_) != nullptr) {
      if (std::sscanf(line.data(), "%d %d", &writer, &turn) != 2) continue;
      turns.emplace(writer, turn);
      return true;
    }
    return false;
  }

  pid_t process_ = -1;
  std::FILE* output_ = nullptr;
};

// Opens what the victim left, as the next start does.
void expect_all_there(const std::string& folder, const std::set<std::pair<int, int>>& turns) {
  auto store = open_sqlite_store({.folder = folder, .use = FolderUse::kServe});
  ASSERT_TRUE(store.has_value()) << store.error().message;
  for (int writer = 0; writer < kWriters; ++writer) {
    const auto messages = (*store)->messages(kKilledOwner, "conv_" + std::to_string(writer));
    if (!messages) continue;
    std::set<std::string> seen;
    std::set<int> whole;
    for (const StoredMessage& message : *messages) {
      EXPECT_TRUE(seen.insert(message.id).second) << message.id << " is there twice";
      EXPECT_NE(message.status, ReplyStatus::kRunning);
      if (message.role == "assistant" && message.content == "01")
        whole.insert(std::stoi(message.id.substr(1)));
    }
    for (const auto& [of, turn] : turns) {
      EXPECT_TRUE(of != writer || whole.contains(turn)) << writer << " " << turn << " was acknowledged";
    }
  }
  SQLite::Database database = open_database(folder + "/" + kDatabaseName, DatabaseUse::kRead, "");
  const Status sound = check_integrity(database);
  EXPECT_TRUE(sound.has_value()) << sound.error().message;
}

TEST(StoreKill, SlowKilledAtAnyMoment) {
  const TemporaryFolder folder;
  const int kills = std::getenv("ALOUD_LONG") != nullptr ? 200 : 20;
  std::mt19937 random(11);
  std::set<std::pair<int, int>> turns;
  for (int i = 0; i < kills; ++i) {
    Victim(folder.path())
        .live_for(static_cast<int>(random() % 30), static_cast<int>(random() % 20'000), turns);
    expect_all_there(folder.path(), turns);
    if (HasFailure()) return;
  }
  EXPECT_GE(turns.size(), static_cast<std::size_t>(5 * kills));
}

}  // namespace
}  // namespace aloud
