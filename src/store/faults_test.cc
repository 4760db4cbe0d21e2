// What is acknowledged is there after whatever happens to the disk, once, and what fails says why.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/faulty_disk_testing.h"
#include "store/sqlite_database.h"
#include "store/store_testing.h"

namespace aloud {
namespace {

using Kind = StoreError::Kind;

constexpr const char* kOwner = "alice";

// What a reader sees: conversation -> message -> its text.
using State = std::map<std::string, std::map<std::string, std::string>>;

State state_of(Store& store) {
  State state;
  ConversationFilter filter{.limit = kMostListed};
  do {
    const ConversationPage page = store.conversations(kOwner, filter).value();
    for (const Conversation& conversation : page.conversations) {
      auto& messages = state[conversation.id];
      const std::vector<StoredMessage> tree = store.messages(kOwner, conversation.id).value();
      for (const StoredMessage& message : tree) {
        EXPECT_TRUE(messages.emplace(message.id, message.thought + "|" + message.content).second)
            << message.id;
      }
    }
    filter.cursor = page.next;
  } while (!filter.cursor.empty());
  return state;
}

// One call, and what it changes if it succeeds.
struct Step {
  std::function<StoreStatus(Store&)> call;
  std::function<void(State&)> effect;
};

template <class Value>
StoreStatus status_of(const StoreResult<Value>& result) {
  if (!result) return pass_error(result);
  return {};
}

// A conversation with a reply that grows, and what happens to it later.
void add_conversation_steps(int number, std::vector<Step>& steps) {
  const std::string id = "conv_" + std::to_string(number);
  const std::string text =
      "text of " + id + " " + std::string(static_cast<std::size_t>(number * 977 % 9000), 'x');
  steps.push_back({[=](Store& s) { return status_of(s.create_conversation(kOwner, {.id = id})); },
                   [=](State& state) { state[id]; }});
  steps.push_back({[=](Store& s) {
                     return status_of(s.add_messages(
                         kOwner, id, {message_of("q", "", "user", text), running_reply("a", "q")}));
                   },
                   [=](State& state) {
                     state[id] = {{"q", "|" + text}, {"a", "|"}};
                   }});
  for (int part = 0; part < 3; ++part) {
    steps.push_back({[=](Store& s) {
                       return s.add_reply_parts(std::vector<ReplyPart>{{kOwner, id, "a", part, "", "part "}});
                     },
                     [=](State& state) { state[id]["a"] += "part "; }});
  }
  steps.push_back(
      {[=](Store& s) { return s.finish_reply(kOwner, id, message_of("a", "q", "assistant", text)); },
       [=](State& state) { state[id]["a"] = "|" + text; }});
  if (number % 3 != 2) return;
  const std::string old = "conv_" + std::to_string(number - 1);
  steps.push_back({[=](Store& s) { return s.delete_conversation(kOwner, old); },
                   [=](State& state) { state.erase(old); }});
  steps.push_back({[=](Store& s) { return status_of(s.purge(std::numeric_limits<std::int64_t>::max())); },
                   [](State&) {}});
}

std::vector<Step> script() {
  std::vector<Step> steps;
  for (int number = 0; number < 6; ++number) add_conversation_steps(number, steps);
  return steps;
}

Result<std::unique_ptr<Store>> open_at(const std::string& folder, const std::string& vfs) {
  return open_sqlite_store({.folder = folder, .vfs = vfs});
}

// SQLite finds nothing wrong, in the tables or in the index: when no reply is running, that has every
// message.
void expect_sound(const std::string& folder) {
  EXPECT_TRUE(open_sqlite_store({.folder = folder, .use = FolderUse::kServe}).has_value());
  SQLite::Database database = open_database(folder + "/" + kDatabaseName, DatabaseUse::kWrite, "");
  EXPECT_EQ(database.execAndGet("PRAGMA integrity_check").getString(), "ok");
  EXPECT_FALSE(prepare(database, "PRAGMA foreign_key_check").executeStep());
  EXPECT_NO_THROW(
      database.exec("INSERT INTO message_index (message_index, rank) VALUES ('integrity-check', 1)"));
}

// The state after a crash: the folder that the next start finds.
State state_after_crash(const FaultyDisk& disk, std::uint32_t seed) {
  const TemporaryFolder remains;
  disk.write_remains(remains.path(), seed);
  const auto store = open_at(remains.path(), "");
  EXPECT_TRUE(store.has_value()) << store.error().message;
  if (!store) return {};
  const State state = state_of(**store);
  expect_sound(remains.path());
  return state;
}

// `many` when the long tests run.
int rounds(int usual, int many) { return std::getenv("ALOUD_LONG") != nullptr ? many : usual; }

// Runs the script until the machine dies, and looks at what is left. False: it did not die.
bool crash_once(std::int64_t crash_at, std::uint32_t seed) {
  FaultyDisk disk;
  const TemporaryFolder folder;
  disk.crash_at = crash_at;
  State before;
  State after;  // with the step that was in doubt
  if (auto store = open_at(folder.path(), disk.name())) {
    for (const Step& step : script()) {
      step.effect(after);
      const StoreStatus status = step.call(**store);
      if (!status) {
        EXPECT_TRUE(disk.crashed()) << status.error().message;
        EXPECT_EQ(status.error().kind, Kind::kUnavailable) << status.error().message;
        break;
      }
      before = after;
      // The sync comes before the acknowledgement. (A checkpoint after it may be what the machine died of.)
      EXPECT_TRUE(disk.unsynced() == 0 || disk.crashed());
    }
  }
  const bool crashed = disk.crashed();
  const State found = state_after_crash(disk, seed);
  EXPECT_TRUE(found == before || found == after) << "crash at operation " << crash_at << ", seed " << seed;
  return crashed;
}

TEST(StoreFaults, SlowCrashAtEveryOperation) {
  const int seeds = rounds(1, 5);
  const int stride = rounds(3, 1);
  int crashes = 0;
  for (std::uint32_t seed = 0; static_cast<int>(seed) < seeds; ++seed) {
    for (std::int64_t at = 1; crash_once(at, seed) && !testing::Test::HasFailure(); at += stride) ++crashes;
  }
  EXPECT_GE(crashes, 100);
}

// At every step of the script: what fails once succeeds when it is tried again, and is there once.
void fail_every_step(std::atomic<bool> FaultyDisk::*fault, Kind expected) {
  FaultyDisk disk;
  const TemporaryFolder folder;
  auto store = open_at(folder.path(), disk.name());
  ASSERT_TRUE(store.has_value()) << store.error().message;
  State state;
  for (const Step& step : script()) {
    disk.*fault = true;
    const StoreStatus failed = step.call(**store);
    if (!failed) {
      EXPECT_EQ(failed.error().kind, expected) << failed.error().message;
      EXPECT_EQ(state_of(**store), state);  // what is there can be read meanwhile
    }
    disk.*fault = false;
    const StoreStatus again = step.call(**store);
    ASSERT_TRUE(again.has_value()) << again.error().message;
    step.effect(state);
    ASSERT_EQ(state_of(**store), state);
  }
  for (std::uint32_t seed = 0; seed < 3; ++seed) EXPECT_EQ(state_after_crash(disk, seed), state);
}

TEST(StoreFaults, FullDiskIsToldAndHeals) { fail_every_step(&FaultyDisk::full, Kind::kFull); }
TEST(StoreFaults, FailedWriteIsToldAndHeals) {
  fail_every_step(&FaultyDisk::writes_fail, Kind::kUnavailable);
}
TEST(StoreFaults, FailedSyncIsToldAndHeals) { fail_every_step(&FaultyDisk::syncs_fail, Kind::kUnavailable); }

TEST(StoreFaults, FullDiskWhileOpeningIsToldAndHeals) {
  FaultyDisk disk;
  const TemporaryFolder folder;
  disk.full = true;
  const auto refused = open_at(folder.path(), disk.name());
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("no space left"), std::string::npos) << refused.error().message;
  disk.full = false;
  EXPECT_TRUE(open_at(folder.path(), disk.name()).has_value());
  // Once it has its tables it opens on a full disk too, and can be read.
  disk.full = true;
  const auto store = open_at(folder.path(), disk.name());
  ASSERT_TRUE(store.has_value()) << store.error().message;
  EXPECT_TRUE((*store)->conversations(kOwner, {}).has_value());
  EXPECT_EQ((*store)->create_conversation(kOwner, {}).error().kind, Kind::kFull);
}

// A server that starts where nothing can be written tells of the replies of an earlier one as interrupted,
// and stores that as soon as it can.
void interrupt_without_writing(std::atomic<bool> FaultyDisk::*fault, Kind expected) {
  FaultyDisk disk;
  const TemporaryFolder folder;
  std::vector<Kind> refusals;
  const auto serve = [&] {
    return open_sqlite_store(
        {.folder = folder.path(),
         .use = FolderUse::kServe,
         .vfs = disk.name(),
         .on_refusal = [&](const StoreError& error) { refusals.push_back(error.kind); }});
  };
  const auto status_of_reply = [](Store& store, const char* id) {
    const std::vector<StoredMessage> messages = store.messages(kOwner, "conv").value();
    for (const StoredMessage& message : messages) {
      if (message.id == id) return message.status;
    }
    return ReplyStatus::kFailed;
  };
  {
    const auto store = serve();
    ASSERT_TRUE((*store)->create_conversation(kOwner, {.id = "conv"}));
    ASSERT_TRUE((*store)->add_messages(kOwner, "conv", {running_reply("a", "")}));
    ASSERT_TRUE((*store)->put_response(kOwner, {.id = "a", .status = ReplyStatus::kRunning}));
    ASSERT_TRUE((*store)->add_reply_parts(std::vector<ReplyPart>{{kOwner, "conv", "a", 0, "", "part"}}));
  }
  disk.*fault = true;
  {
    const auto store = serve();
    ASSERT_TRUE(store.has_value()) << store.error().message;
    EXPECT_EQ(refusals, std::vector{expected});
    EXPECT_EQ((*store)->messages(kOwner, "conv").value().front().content, "part");
    EXPECT_EQ(status_of_reply(**store, "a"), ReplyStatus::kInterrupted);
    EXPECT_EQ((*store)->response(kOwner, "a").value().status, ReplyStatus::kInterrupted);
    EXPECT_EQ((*store)->add_messages(kOwner, "conv", {running_reply("b", "a")}).error().kind, expected);
    disk.*fault = false;
    ASSERT_TRUE((*store)->add_messages(kOwner, "conv", {running_reply("b", "a")}));
    EXPECT_EQ(status_of_reply(**store, "a"), ReplyStatus::kInterrupted);
    EXPECT_EQ(status_of_reply(**store, "b"), ReplyStatus::kRunning);
    EXPECT_EQ((*store)->search(kOwner, "part").value().hits.size(), 1u);
  }
  // Also where no reply is left.
  disk.*fault = true;
  EXPECT_TRUE(serve().has_value());
  EXPECT_EQ(refusals, std::vector({expected, expected}));
}

TEST(StoreFaults, RepliesAreInterruptedOnAFullDisk) {
  interrupt_without_writing(&FaultyDisk::full, Kind::kFull);
}
TEST(StoreFaults, RepliesAreInterruptedWhereWritesFail) {
  interrupt_without_writing(&FaultyDisk::writes_fail, Kind::kUnavailable);
}

// Several writers at once, and a crash: what was acknowledged to any of them is there.
void crash_among_threads(std::int64_t crash_at, std::uint32_t seed) {
  FaultyDisk disk;
  const TemporaryFolder folder;
  auto store = open_at(folder.path(), disk.name());
  ASSERT_TRUE(store.has_value()) << store.error().message;
  ASSERT_TRUE((*store)->create_conversation(kOwner, {.id = "conv"}));
  disk.crash_at = disk.operations + crash_at;
  std::mutex mutex;
  std::set<std::string> attempted;
  std::set<std::string> acknowledged;
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 1000; ++i) {
        const std::string id = std::to_string(writer) + "_" + std::to_string(i);
        {
          const std::lock_guard lock(mutex);
          attempted.insert(id);
        }
        if (!(*store)->add_messages(kOwner, "conv", {message_of(id, "", "user", id)})) return;
        const std::lock_guard lock(mutex);
        acknowledged.insert(id);
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_TRUE(disk.crashed());
  std::set<std::string> found;
  State state = state_after_crash(disk, seed);
  for (const auto& [id, text] : state["conv"]) found.insert(id);
  EXPECT_TRUE(std::includes(found.begin(), found.end(), acknowledged.begin(), acknowledged.end()))
      << crash_at;
  EXPECT_TRUE(std::includes(attempted.begin(), attempted.end(), found.begin(), found.end())) << crash_at;
}

TEST(StoreFaults, ThreadsLoseNothingAcknowledged) {
  for (int i = 0; i < rounds(20, 200); ++i) {
    crash_among_threads(7 * i + 1, static_cast<std::uint32_t>(i));
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace aloud
