// Threads that run functions in the order in which they were handed over.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace aloud {

// With one thread tasks also end in their order. Any thread may post, tasks too.
class TaskQueue {
 public:
  explicit TaskQueue(int threads);
  // Runs what was posted before, then ends. What tasks post meanwhile is run too.
  ~TaskQueue();
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  void post(std::function<void()> task);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  int running_ = 0;
  bool ending_ = false;
  std::vector<std::jthread> threads_;
};

}  // namespace aloud
