// A line on stderr for work that takes longer than half a second.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace aloud {

// The line follows update() and is gone when the work is done. Where stderr is no terminal nothing is
// written.
class Progress {
 public:
  explicit Progress(std::string text);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::string text);
  // Ends early what the destructor ends; may be called again.
  void finish();

 private:
  void watch();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  bool done_ = false;
  std::thread watcher_;
};

}  // namespace aloud
