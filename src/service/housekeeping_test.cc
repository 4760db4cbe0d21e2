// Tests of erasing while a server runs: what goes, what stays, what a full disk changes, and that the end
// does not wait for the hour.
#include "service/housekeeping.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <latch>
#include <set>
#include <string>
#include <thread>

#include "base/clock.h"
#include "store/faulty_disk_testing.h"
#include "store/store_testing.h"

namespace aloud {
namespace {

class HousekeepingThread : public StoreTest {
 protected:
  std::string deleted_chat() {
    const Conversation made = chat("anna", "a title", "a question", "an answer");
    EXPECT_TRUE(store_->delete_conversation("anna", made.id));
    return made.id;
  }
  std::set<std::string> deleted() {
    std::set<std::string> ids;
    const auto page = store_->conversations("anna", {.deleted = true});
    EXPECT_TRUE(page);
    for (const Conversation& conversation : page->conversations) ids.insert(conversation.id);
    return ids;
  }
  // Runs until the store was purged so many times as of then.
  void keep_house(std::int64_t then_ms, int times = 1) {
    // The clock is read before each time; so the time before it is over.
    std::latch over(times + 1);
    int asked = 0;
    const auto now_ms = [&] {
      if (asked++ <= times) over.count_down();
      return then_ms;
    };
    const Housekeeping housekeeping(*store_, now_ms, std::chrono::milliseconds(1));
    over.wait();
  }
};

TEST_F(HousekeepingThread, ErasesWhatWasDeletedThirtyDaysAgo) {
  const std::string old = deleted_chat();
  now_ms_ += 1;
  const std::string young = deleted_chat();
  const Conversation kept = chat("anna", "kept", "q", "a");
  keep_house(now_ms_ + kKeepDeleted.count() - 1);
  EXPECT_EQ(deleted(), (std::set<std::string>{old, young}));
  keep_house(now_ms_ + kKeepDeleted.count());
  EXPECT_EQ(deleted(), std::set<std::string>{young});
  EXPECT_TRUE(store_->restore_conversation("anna", young));
  keep_house(now_ms_ + 2 * kKeepDeleted.count(), 3);
  EXPECT_TRUE(store_->conversation("anna", young));
  EXPECT_TRUE(store_->conversation("anna", kept.id));
}

TEST_F(HousekeepingThread, EndsWithoutWaitingForThePeriod) {
  std::latch begun(1);
  int asked = 0;
  {
    const auto now_ms = [&] {
      if (asked++ == 0) begun.count_down();
      return now_ms_;
    };
    const Housekeeping housekeeping(*store_, now_ms);
    begun.wait();
  }
  EXPECT_EQ(asked, 1);
}

class FullDiskHousekeepingThread : public testing::Test {
 protected:
  static constexpr const char* kWord = "quincunx";
  static constexpr double kHangSeconds = 60;

  FullDiskHousekeepingThread() {
    auto opened = open_sqlite_store(
        {.folder = folder_.path(), .vfs = disk_.name(), .now_ms = [this] { return now_ms_.load(); }});
    CHECK(opened.has_value());
    store_ = *std::move(opened);
  }
  // Whether a file of the store holds the word.
  bool is_left() const {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      std::ifstream in(entry.path(), std::ios::binary);
      if (std::string(std::istreambuf_iterator<char>(in), {}).find(kWord) != std::string::npos) return true;
    }
    return false;
  }
  bool is_kept(const std::string& conversation) {
    const auto page = store_->conversations("anna", {.deleted = true});
    CHECK(page.has_value());
    return page->conversations.size() == 1 && page->conversations[0].id == conversation;
  }
  template <class Condition>
  static bool wait_for(Condition condition) {
    const double hang = steady_seconds() + kHangSeconds;
    while (!condition() && steady_seconds() < hang) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return condition();
  }

  TemporaryFolder folder_;
  FaultyDisk disk_;
  std::atomic<std::int64_t> now_ms_ = 1'700'000'000'000;
  std::unique_ptr<Store> store_;
};

TEST_F(FullDiskHousekeepingThread, TellsEachTimeAndErasesWhenThereIsSpace) {
  const auto chat = store_->create_conversation("anna", {}, {message_of("q", "", "user", kWord)});
  ASSERT_TRUE(chat.has_value());
  ASSERT_TRUE(store_->delete_conversation("anna", chat->id));
  ASSERT_TRUE(
      store_->put_response("anna", {.id = "resp_1", .body = {{"says", kWord}}, .expires_ms = now_ms_ + 1}));
  now_ms_ += kKeepDeleted.count() + 1;
  disk_.full = true;
  std::atomic<int> failures = 0;
  const Housekeeping housekeeping(
      *store_, [this] { return now_ms_.load(); }, std::chrono::milliseconds(1),
      [&](const StoreError& error) {
        EXPECT_EQ(error.kind, StoreError::Kind::kFull) << error.message;
        ++failures;
      });
  EXPECT_TRUE(wait_for([&] { return failures >= 3; }));
  // Nothing is half gone; but what has expired is read no more.
  EXPECT_TRUE(is_kept(chat->id));
  EXPECT_EQ(store_->response("anna", "resp_1").error().kind, StoreError::Kind::kNotFound);
  EXPECT_TRUE(is_left());
  disk_.full = false;
  EXPECT_TRUE(wait_for([&] { return !is_left(); }));
  EXPECT_FALSE(is_kept(chat->id));
}

}  // namespace
}  // namespace aloud
