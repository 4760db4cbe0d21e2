// Tests of erasing while a server runs: what goes, what stays, and that the end does not wait for the hour.
#include "service/housekeeping.h"

#include <gtest/gtest.h>

#include <latch>
#include <set>
#include <string>

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

}  // namespace
}  // namespace aloud
