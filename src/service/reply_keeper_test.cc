// What is stored of replies while they grow.
#include "service/reply_keeper.h"

#include <atomic>
#include <latch>

#include "base/clock.h"
#include "store/faulty_disk_testing.h"
#include "store/store_testing.h"

namespace aloud {
namespace {

class ReplyKeeperThreadTest : public StoreTest {
 protected:
  StoredMessage stored(const std::string& conversation) {
    return store_->messages("anna", conversation).value().back();
  }
};

TEST_F(ReplyKeeperThreadTest, StoresWhatGrowsInOrder) {
  const auto chat = store_->create_conversation(
      "anna", {}, {message_of("q", "", "user", "why"), running_reply("resp_1", "q")});
  ASSERT_TRUE(chat.has_value());
  {
    ReplyKeeper keeper(*store_);
    for (int i = 0; i < 100; ++i) {
      keeper.grow({.owner = "anna", .conversation = chat->id, .message = "resp_1", .thought = "t"});
    }
    const double hang = steady_seconds() + 60;
    while (stored(chat->id).thought.empty() && steady_seconds() < hang) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(stored(chat->id).thought, std::string(100, 't'));
    keeper.grow({.owner = "anna", .conversation = chat->id, .message = "resp_1", .content = "because"});
  }
  EXPECT_EQ(stored(chat->id).thought, std::string(100, 't'));
  EXPECT_EQ(stored(chat->id).content, "because");
  EXPECT_EQ(stored(chat->id).status, ReplyStatus::kRunning);
}

// A reply of a conversation on a disk that can be full.
class UnsavedReplyThreadTest : public testing::Test {
 protected:
  static constexpr double kHangSeconds = 60;

  UnsavedReplyThreadTest() {
    open();
    const auto chat = store_->create_conversation(
        "anna", {.id = "chat"}, {message_of("q", "", "user", "why"), running_reply("resp_1", "q")});
    CHECK(chat.has_value());
    CHECK(store_->put_response("anna", response("in_progress", ReplyStatus::kRunning)).has_value());
  }

  void open() {
    store_ = nullptr;
    auto opened = open_sqlite_store(
        {.folder = folder_.path() + "/data", .use = FolderUse::kServe, .vfs = disk_.name()});
    CHECK(opened.has_value());
    store_ = *std::move(opened);
  }

  static StoredResponse response(const std::string& says, ReplyStatus status) {
    return {.id = "resp_1", .body = {{"says", says}}, .status = status};
  }
  static ReplyEnd the_end() {
    StoredMessage message = message_of("resp_1", "", "assistant", "because");
    return {.owner = "anna",
            .conversation = "chat",
            .message = std::move(message),
            .response = response("because", ReplyStatus::kComplete)};
  }

  // What `reader` (the store, or a keeper before it) tells of both.
  template <class Reader>
  static void expect(Reader& reader, ReplyStatus status, const std::string& content, bool is_unsaved) {
    const auto messages = reader.messages("anna", "chat");
    ASSERT_TRUE(messages.has_value());
    const StoredMessage& reply = messages->back();
    EXPECT_EQ(reply.status, status);
    EXPECT_EQ(reply.parent, "q");
    EXPECT_GT(reply.created_ms, 0);
    EXPECT_EQ(reply.content, content);
    EXPECT_EQ(reply.is_unsaved, is_unsaved);
    const auto stored = reader.response("anna", "resp_1");
    ASSERT_TRUE(stored.has_value());
    EXPECT_EQ(stored->status, status);
    EXPECT_EQ(stored->is_unsaved, is_unsaved);
  }

  TemporaryFolder folder_;
  FaultyDisk disk_;
  std::unique_ptr<Store> store_;
};

TEST_F(UnsavedReplyThreadTest, IsStoredAtOnceWhereThatIsPossible) {
  {
    ReplyKeeper keeper(*store_, [] { ADD_FAILURE(); });
    keeper.grow({.owner = "anna", .conversation = "chat", .message = "resp_1", .content = "be"});
    int told = 0;
    keeper.end(the_end(), [&](const StoreStatus& stored) { told += stored ? 1 : 100; });
    EXPECT_EQ(told, 1);
    expect(keeper, ReplyStatus::kComplete, "because", false);
  }
  expect(*store_, ReplyStatus::kComplete, "because", false);  // what grew is forgotten
}

TEST_F(UnsavedReplyThreadTest, IsToldAsItIsUntilTheStoreTakesIt) {
  std::atomic<int> refusals = 0, told = 0;
  {
    ReplyKeeper keeper(
        *store_, [&] { ++refusals; }, 0.01);
    expect(keeper, ReplyStatus::kRunning, "", false);
    disk_.full = true;
    std::latch gave_up(1);
    keeper.end(the_end(), [&](const StoreStatus& stored) {
      EXPECT_EQ(refusals, ReplyKeeper::kPatience);
      EXPECT_EQ(stored.error().kind, StoreError::Kind::kFull);
      ++told;
      gave_up.count_down();
    });
    expect(keeper, ReplyStatus::kComplete, "because", true);
    EXPECT_TRUE(keeper.is_unsaved("anna", "resp_1"));
    EXPECT_FALSE(keeper.is_unsaved("ben", "resp_1"));
    gave_up.wait();
    expect(keeper, ReplyStatus::kComplete, "because", true);
    expect(*store_, ReplyStatus::kRunning, "", false);

    disk_.full = false;
    const double hang = steady_seconds() + kHangSeconds;
    while (keeper.is_unsaved("anna", "resp_1") && steady_seconds() < hang) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    expect(keeper, ReplyStatus::kComplete, "because", false);
  }
  expect(*store_, ReplyStatus::kComplete, "because", false);
  EXPECT_EQ(told, 1);
}

TEST_F(UnsavedReplyThreadTest, IsToldWhenTheServerEnds) {
  {
    ReplyKeeper keeper(*store_, {}, 3600);
    disk_.full = true;
    int told = 0;
    keeper.end(the_end(), [&](const StoreStatus& stored) { told += stored ? 100 : 1; });
    EXPECT_EQ(told, 0);
    keeper.settle();
    EXPECT_EQ(told, 1);
    expect(keeper, ReplyStatus::kComplete, "because", true);
  }
  disk_.full = false;
  open();
  expect(*store_, ReplyStatus::kInterrupted, "", false);
}

TEST_F(UnsavedReplyThreadTest, IsTriedOnceMoreAtTheEnd) {
  int told = 0;
  {
    ReplyKeeper keeper(*store_, {}, 3600);
    disk_.full = true;
    keeper.end(the_end(), [&](const StoreStatus& stored) { told += stored ? 1 : 100; });
    disk_.full = false;
  }
  EXPECT_EQ(told, 1);
  expect(*store_, ReplyStatus::kComplete, "because", false);
}

TEST_F(UnsavedReplyThreadTest, LeavesWhatWasDeletedMeanwhile) {
  ASSERT_TRUE(store_->delete_conversation("anna", "chat"));
  ASSERT_TRUE(store_->delete_response("anna", "resp_1"));
  ReplyKeeper keeper(*store_);
  bool is_stored = false;
  keeper.end(the_end(), [&](const StoreStatus& stored) { is_stored = stored.has_value(); });
  EXPECT_TRUE(is_stored);
  EXPECT_FALSE(keeper.response("anna", "resp_1").has_value());
  ASSERT_TRUE(store_->restore_conversation("anna", "chat"));
  EXPECT_EQ(store_->messages("anna", "chat")->back().content, "because");
}

TEST_F(UnsavedReplyThreadTest, AreNotMoreThanFitInMemory) {
  ReplyKeeper keeper(*store_, {}, 3600);
  disk_.full = true;
  for (std::size_t i = 0; i < ReplyKeeper::kMostUnsaved; ++i) {
    ASSERT_TRUE(keeper.check_room());
    ReplyEnd end = the_end();
    end.response.id = std::to_string(i);
    keeper.end(std::move(end), [](const StoreStatus&) {});
  }
  EXPECT_FALSE(keeper.check_room());
  disk_.full = false;
  keeper.settle();
  EXPECT_TRUE(keeper.check_room());
}

}  // namespace
}  // namespace aloud
