// One I/O thread and what it waits for.
#pragma once

#include <functional>
#include <memory>

namespace asio {
class io_context;
}

namespace aloud {

class EventLoop {
 public:
  // tick is called on the thread about every tick_seconds.
  EventLoop(double tick_seconds, std::function<void()> tick);
  // Waits until what was begun (reads, writes, posts) has ended; the last tick was before.
  ~EventLoop();

  // Any thread; runs it on the loop's thread, later.
  void post(std::function<void()> task);
  // Any thread but the loop's; returns when the task has run.
  void run(const std::function<void()>& task);

  asio::io_context& context();  // for the sockets of this folder

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace aloud
