// Tests of the parallel loop: every item once, results visible, one loop after another.
#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace aloud {
namespace {

TEST(ThreadPool, CallsEveryItemOnceWithAWorkerOfItsOwn) {
  for (const int threads : {1, 2, 3, 8}) {
    ThreadPool pool(threads);
    ASSERT_EQ(pool.size(), threads);
    // Plain ints: ThreadSanitizer tells if two workers share an item or a worker's number.
    std::vector<int> calls(1000);
    std::vector<int> calls_by_worker(static_cast<std::size_t>(threads));
    pool.run(1000, [&](std::int64_t item, int worker) {
      ++calls[static_cast<std::size_t>(item)];
      ++calls_by_worker.at(static_cast<std::size_t>(worker));
    });
    int sum = 0;
    for (const int count : calls_by_worker) sum += count;
    EXPECT_EQ(sum, 1000);
    EXPECT_EQ(calls, std::vector<int>(1000, 1));
  }
}

TEST(ThreadPool, LoopsFollowEachOtherAndSeeWhatTheLastOneWrote) {
  ThreadPool pool(4);
  // Each loop reads what a neighbour wrote in the one before: after n loops every value is n.
  std::vector<int> old_values(7), new_values(7);
  for (int round = 0; round < 2000; ++round) {
    pool.run(7, [&](std::int64_t item, int) {
      new_values[static_cast<std::size_t>(item)] = old_values[static_cast<std::size_t>((item + 3) % 7)] + 1;
    });
    old_values.swap(new_values);
  }
  EXPECT_EQ(old_values, std::vector<int>(7, 2000));
}

TEST(ThreadPool, WakesWorkersThatFellAsleep) {
  ThreadPool pool(3);
  std::atomic<int> calls = 0;
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    pool.run(30, [&](std::int64_t, int) { ++calls; });
  }
  EXPECT_EQ(calls, 150);
}

TEST(ThreadPool, NothingToDoIsDone) {
  ThreadPool pool(2);
  pool.run(0, [](std::int64_t, int) { FAIL(); });
}

TEST(ThreadPool, ThisMachineHasACore) { EXPECT_GE(physical_cores(), 1); }

}  // namespace
}  // namespace aloud
