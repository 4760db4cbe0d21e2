// What is stored of replies while they grow.
#include "service/reply_keeper.h"

#include "base/clock.h"
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

TEST_F(ReplyKeeperThreadTest, ForgetsWhatIsFinished) {
  const auto chat = store_->create_conversation(
      "anna", {}, {message_of("q", "", "user", "why"), running_reply("resp_1", "q")});
  ASSERT_TRUE(chat.has_value());
  {
    ReplyKeeper keeper(*store_);
    keeper.grow({.owner = "anna", .conversation = chat->id, .message = "resp_1", .content = "x"});
    keeper.forget("anna", "resp_1");
  }
  EXPECT_EQ(stored(chat->id).content, "");
}

}  // namespace
}  // namespace aloud
