// The thread that runs a scheduler.
#pragma once

#include <thread>

#include "engine/scheduler.h"

namespace aloud {

// Steps while there is something to do and sleeps while there is not. The scheduler must outlive it.
class EngineThread {
 public:
  explicit EngineThread(Scheduler& scheduler) : scheduler_(scheduler), thread_([this] { run(); }) {}
  ~EngineThread() { stop(0); }

  // Takes no more requests, lets those who are there finish within so many seconds, cancels the rest and ends
  // the thread. From any other thread, one at a time.
  void stop(double seconds) {
    if (!thread_.joinable()) return;
    scheduler_.drain(seconds);
    thread_.join();
  }

 private:
  void run() {
    while (scheduler_.step() || scheduler_.wait()) {
    }
  }

  Scheduler& scheduler_;
  std::jthread thread_;
};

}  // namespace aloud
