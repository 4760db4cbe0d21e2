// Tests of the I/O thread: tasks in order, and an end at any moment.
#include "http/event_loop.h"

#include <gtest/gtest.h>

#include <vector>

namespace aloud {
namespace {

TEST(EventLoop, ThreadsRunTasksInOrder) {
  std::vector<int> order;
  EventLoop loop(1000, [] {});
  for (int i = 0; i < 100; ++i) {
    loop.post([&order, i] { order.push_back(i); });
  }
  loop.run([&] { EXPECT_EQ(order.size(), 100u); });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order.at(static_cast<std::size_t>(i)), i);
}

// A tick may be due at the very moment of the end; it must not begin the wait for another one.
TEST(EventLoop, ThreadsEndWhileTheyTick) {
  for (int i = 0; i < 500; ++i) {
    int ticks = 0;
    EventLoop loop(1e-6, [&] { ++ticks; });
    loop.run([] {});
  }
}

}  // namespace
}  // namespace aloud
