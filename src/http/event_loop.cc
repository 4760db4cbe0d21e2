// An io_context and its thread.
#include "http/event_loop.h"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <chrono>
#include <future>
#include <thread>
#include <utility>

namespace aloud {

struct EventLoop::Implementation {
  Implementation(double tick_seconds, std::function<void()> tick_function)
      : interval(std::chrono::duration_cast<std::chrono::steady_clock::duration>(
            std::chrono::duration<double>(tick_seconds))),
        tick(std::move(tick_function)) {}

  void wait_for_tick() {
    timer.expires_after(interval);
    timer.async_wait([this](std::error_code error) {
      if (error || is_ending) return;
      tick();
      wait_for_tick();
    });
  }

  const std::chrono::steady_clock::duration interval;
  const std::function<void()> tick;
  asio::io_context context{1};  // one thread: fewer locks
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  asio::steady_timer timer{context};
  bool is_ending = false;  // on the thread
  std::thread thread;
};

EventLoop::EventLoop(double tick_seconds, std::function<void()> tick)
    : implementation_(std::make_unique<Implementation>(tick_seconds, std::move(tick))) {
  implementation_->wait_for_tick();
  implementation_->thread = std::thread([context = &implementation_->context] { context->run(); });
}

EventLoop::~EventLoop() {
  post([this] {
    // Cancelling does not reach a timer that has gone off already and waits for its turn.
    implementation_->is_ending = true;
    implementation_->timer.cancel();
    implementation_->work.reset();
  });
  implementation_->thread.join();
}

void EventLoop::post(std::function<void()> task) { asio::post(implementation_->context, std::move(task)); }

void EventLoop::run(const std::function<void()>& task) {
  std::promise<void> done;
  post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

asio::io_context& EventLoop::context() { return implementation_->context; }

}  // namespace aloud
