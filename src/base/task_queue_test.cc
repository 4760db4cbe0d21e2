// Tests of task queues: order, several threads, the end.
#include "base/task_queue.h"

#include <gtest/gtest.h>

#include <atomic>

namespace aloud {
namespace {

TEST(TaskQueueThread, OneThreadKeepsTheOrder) {
  std::vector<int> seen;
  {
    TaskQueue queue(1);
    for (int i = 0; i < 1000; ++i) queue.post([&seen, i] { seen.push_back(i); });
  }
  ASSERT_EQ(seen.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(TaskQueueThread, TheEndWaitsForWhatTasksPost) {
  std::atomic<int> count = 0;
  {
    TaskQueue queue(3);
    for (int i = 0; i < 100; ++i) {
      queue.post([&] {
        queue.post([&] {
          ++count;
          queue.post([&] { ++count; });
        });
      });
    }
  }
  EXPECT_EQ(count, 200);
}

TEST(TaskQueueThread, ManyPost) {
  std::atomic<int> count = 0;
  {
    TaskQueue queue(2);
    std::vector<std::jthread> posters;
    for (int t = 0; t < 4; ++t) {
      posters.emplace_back([&] {
        for (int i = 0; i < 500; ++i) queue.post([&] { ++count; });
      });
    }
  }
  EXPECT_EQ(count, 2000);
}

}  // namespace
}  // namespace aloud
