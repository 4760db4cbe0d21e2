// A queue under one lock: tasks are far fewer than what they do.
#include "base/task_queue.h"

#include <utility>

#include "base/check.h"

namespace aloud {

TaskQueue::TaskQueue(int threads) {
  CHECK(threads >= 1);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

TaskQueue::~TaskQueue() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  threads_.clear();  // joins
}

void TaskQueue::post(std::function<void()> task) {
  // Told under the lock: the task may be what lets another thread destroy the queue.
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  changed_.notify_one();
}

void TaskQueue::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    // At the end a running task may still post.
    changed_.wait(lock, [this] { return !tasks_.empty() || (ending_ && running_ == 0); });
    if (tasks_.empty()) return;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    ++running_;
    lock.unlock();
    task();
    task = nullptr;  // what it holds is let go of without the lock
    lock.lock();
    --running_;
    if (ending_) changed_.notify_all();
  }
}

}  // namespace aloud
