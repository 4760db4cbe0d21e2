// Tests of replies that run: what listeners hear, early and late, and how control reaches them.
#include "service/running_reply.h"

#include <gtest/gtest.h>

#include <future>

namespace aloud {
namespace {

struct Control : ReplyControl {
  void cancel() override { ++cancelled; }
  void end_thinking() override { ++ended; }
  int cancelled = 0;
  int ended = 0;
};

class RunningReplyThreadTest : public ::testing::Test {
 protected:
  std::shared_ptr<RunningReply> make(bool keep) {
    return std::make_shared<RunningReply>(RunningReply::Identity{"id", "anna", "model", 1}, keep, delivery);
  }
  // Waits until everything before it was delivered.
  void settle() {
    std::promise<void> done;
    delivery.post([&] { done.set_value(); });
    done.get_future().wait();
  }
  RunningReply::Listener collect(std::vector<std::int64_t>& numbers) {
    return [&numbers](std::int64_t number, const ReplyEvent&) { numbers.push_back(number); };
  }
  static Event answer() { return AnswerEvent{"x", {}}; }

  TaskQueue delivery{1};
};

TEST_F(RunningReplyThreadTest, ShowsWhatThereIsSoFar) {
  const auto reply = make(true);
  std::size_t before = 9, after = 9;
  reply->read([&](std::span<const ReplyEvent> events) { before = events.size(); });
  reply->publish(answer());
  reply->publish(FinishedEvent{Reply{}});
  reply->read([&](std::span<const ReplyEvent> events) { after = events.size(); });
  settle();
  EXPECT_EQ(before, 0u);
  EXPECT_EQ(after, 2u);
}

TEST_F(RunningReplyThreadTest, TheFirstListenerMissesNothing) {
  const auto reply = make(false);
  std::vector<std::int64_t> first, second;
  reply->publish(answer());
  reply->publish(answer());
  reply->listen(0, collect(first));
  reply->publish(answer());
  reply->listen(0, collect(second));
  reply->publish(FinishedEvent{Reply{}});
  reply->publish(answer());  // nothing follows the end
  settle();
  EXPECT_EQ(first, (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(second, (std::vector<std::int64_t>{4}));
}

TEST_F(RunningReplyThreadTest, KeptEventsAreThereForThoseWhoComeBack) {
  const auto reply = make(true);
  std::vector<std::int64_t> first, back, late;
  reply->listen(0, collect(first));
  for (int i = 0; i < 3; ++i) reply->publish(answer());
  reply->listen(2, collect(back));
  reply->publish(FinishedEvent{Reply{}});
  settle();
  reply->listen(3, collect(late));
  settle();
  EXPECT_EQ(first, (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(back, (std::vector<std::int64_t>{3, 4}));
  EXPECT_EQ(late, (std::vector<std::int64_t>{4}));
}

TEST_F(RunningReplyThreadTest, TheEndIsToldOnceAndLetsGo) {
  const auto reply = make(false);
  int finished = 0;
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> weak = held;
  reply->on_finish([&] { ++finished; });
  reply->listen(0, [held = std::move(held)](std::int64_t, const ReplyEvent&) {});
  reply->publish(FinishedEvent{Reply{}});
  reply->publish(FinishedEvent{Reply{}});
  settle();
  EXPECT_EQ(finished, 1);
  EXPECT_TRUE(weak.expired());
}

TEST_F(RunningReplyThreadTest, ControlMayComeBeforeTheSequence) {
  const auto reply = make(false);
  reply->end_thinking();
  reply->cancel();
  const auto control = std::make_shared<Control>();
  reply->set_control(control);
  EXPECT_EQ(control->cancelled, 1);
  EXPECT_EQ(control->ended, 1);
  reply->cancel();
  EXPECT_EQ(control->cancelled, 2);
  reply->publish(FinishedEvent{Reply{}});
  settle();
  reply->cancel();
  EXPECT_EQ(control->cancelled, 2);
}

TEST_F(RunningReplyThreadTest, LetsGoOfAListenerThatLeaves) {
  const auto reply = make(true);
  std::vector<std::int64_t> stays, leaves;
  const auto held = std::make_shared<int>();
  reply->listen(0, collect(stays));
  const auto listener =
      reply->listen(0, [held, &leaves](std::int64_t number, const ReplyEvent&) { leaves.push_back(number); });
  reply->publish(answer());
  settle();
  EXPECT_EQ(held.use_count(), 2);
  reply->leave(listener);
  settle();
  EXPECT_EQ(held.use_count(), 1);
  reply->publish(answer());
  reply->leave(listener);
  settle();
  EXPECT_EQ(leaves, std::vector<std::int64_t>{1});
  EXPECT_EQ(stays, (std::vector<std::int64_t>{1, 2}));
}

TEST_F(RunningReplyThreadTest, TellsThatTheServerCutItOff) {
  const auto end_of = [&](ReplyFinish finish, bool interrupt, bool cancel) {
    const auto reply = make(false);
    std::string code = "none";
    reply->listen(0, [&](std::int64_t, const ReplyEvent& event) {
      const auto& outcome = std::get<FinishedEvent>(event).outcome;
      if (!outcome) code = outcome.error().code;
    });
    if (cancel) reply->cancel();
    if (interrupt) reply->interrupt();
    reply->publish(FinishedEvent{Reply{.finish = finish}});
    settle();
    return code;
  };
  EXPECT_EQ(end_of(ReplyFinish::kCancelled, true, false), kInterruptedCode);
  EXPECT_EQ(end_of(ReplyFinish::kCancelled, false, true), "none");
  EXPECT_EQ(end_of(ReplyFinish::kCancelled, true, true), "none");
  EXPECT_EQ(end_of(ReplyFinish::kStop, true, false), "none");
}

}  // namespace
}  // namespace aloud
