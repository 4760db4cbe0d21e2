// Tests of the parallel loop: every item once, results visible, one loop after another.
#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "base/processors.h"

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

TEST(ThreadPool, CountsTheLoopsThatItShares) {
  ThreadPool pool(2), alone(1);
  for (const std::int64_t items : {0, 1, 2, 5}) {
    pool.run(items, [](std::int64_t, int) {});
    alone.run(items, [](std::int64_t, int) {});
  }
  EXPECT_EQ(pool.shared_loops(), 2u);
  EXPECT_EQ(alone.shared_loops(), 0u);
}

TEST(ThreadPool, OthersDoTheItemsOfOneThatIsHeldUp) {
  ThreadPool pool(3);
  std::atomic<int> others = 0;
  pool.run(100, [&](std::int64_t item, int) {
    if (item == 0) {
      while (others < 99) std::this_thread::yield();
    } else {
      ++others;
    }
  });
  EXPECT_EQ(others, 99);
}

// In a thread of its own, since the calling thread stays pinned. More threads than cores share them.
TEST(ThreadPool, PinsEachThreadToACore) {
  std::thread([] {
    const std::vector<int> cores = processors_of_cores();
    constexpr int kThreads = 3;
    ThreadPool pool(kThreads, true);
    std::vector<cpu_set_t> allowed(kThreads);
    std::atomic<int> ready = 0;
    // Each item waits for the others, so that every thread has one.
    pool.run(kThreads, [&](std::int64_t, int worker) {
      sched_getaffinity(0, sizeof(cpu_set_t), &allowed[static_cast<std::size_t>(worker)]);
      ++ready;
      while (ready < kThreads) std::this_thread::yield();
    });
    for (std::size_t worker = 0; worker < kThreads; ++worker) {
      EXPECT_EQ(CPU_COUNT(&allowed[worker]), 1) << worker;
      EXPECT_TRUE(CPU_ISSET(cores[worker % cores.size()], &allowed[worker])) << worker;
    }
  }).join();
}

TEST(ThreadPool, NothingToDoIsDone) {
  ThreadPool pool(2);
  pool.run(0, [](std::int64_t, int) { FAIL(); });
}

}  // namespace
}  // namespace aloud
