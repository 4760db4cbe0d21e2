// A fixed set of threads that run one parallel loop at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace aloud {

// The calling thread is one of the workers, so a pool of 1 starts no thread. Not reentrant: one loop at a
// time, started from one thread.
class ThreadPool {
 public:
  // threads >= 1.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return size_; }

  // Calls body(item, worker) once for each item in [0, items), worker in [0, size()); returns when all are
  // done. Items are handed out in order, one at a time, to whichever worker is free: the result of body must
  // not depend on who runs it.
  void run(std::int64_t items, const std::function<void(std::int64_t item, int worker)>& body);

 private:
  struct State;
  void work(int worker);

  int size_;
  std::unique_ptr<State> state_;
};

// Physical cores this process may use.
int physical_cores();

}  // namespace aloud
