// What is stored of replies while they grow.
#include "service/reply_keeper.h"

#include <latch>

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

TEST_F(ReplyKeeperThreadTest, TriesAgainUntilTheStoreTakesIt) {
  std::vector<double> tried;
  int gave_up = 0;
  std::latch written(1);
  {
    ReplyKeeper keeper(*store_, 0.01);
    keeper.try_again({.write =
                          [&] {
                            tried.push_back(steady_seconds());
                            if (tried.size() < 6) return false;
                            written.count_down();
                            return true;
                          },
                      .give_up =
                          [&] {
                            ++gave_up;
                            EXPECT_EQ(static_cast<int>(tried.size()), ReplyKeeper::kPatience);
                          }});
    written.wait();
  }
  ASSERT_EQ(tried.size(), 6u);  // and not again at the end
  EXPECT_EQ(gave_up, 1);
  for (std::size_t i = 1; i < tried.size(); ++i) {
    EXPECT_GE(tried[i] - tried[i - 1], 0.01 * static_cast<double>(1 << i));
  }
}

TEST_F(ReplyKeeperThreadTest, TriesOnceMoreAtTheEnd) {
  int tried = 0;
  {
    ReplyKeeper keeper(*store_, 3600);
    keeper.try_again({.write = [&] { return ++tried < 0; }, .give_up = [] { ADD_FAILURE(); }});
  }
  EXPECT_EQ(tried, 1);
}

}  // namespace
}  // namespace aloud
