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
  // threads >= 1. pinned: each stays on a physical core of its own as long as there are enough, the calling
  // thread from its first loop on; for machines that do nothing else.
  explicit ThreadPool(int threads, bool pinned = false);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return size_; }

  // Calls body(item, worker) once for each item in [0, items), worker in [0, size()); returns when all are
  // done. Items are handed out in order, one at a time, to whichever worker is free: the result of body must
  // not depend on who runs it.
  // One item, or a pool of 1, is run without waking anybody.
  void run(std::int64_t items, const std::function<void(std::int64_t item, int worker)>& body);
  // Loops so far that other threads were called to: each is a barrier. Wraps around.
  std::uint32_t shared_loops() const;

 private:
  struct State;
  void work(int worker);
  void pin(int worker);

  int size_;
  std::unique_ptr<State> state_;
};

}  // namespace aloud
