// Workers spin briefly for the next loop, then sleep on a futex.
#include "base/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/check.h"
#include "base/processors.h"

namespace aloud {
namespace {

// How long a waiting thread looks again before it sleeps: longer than what lies between two loops of a layer,
// and short beside the milliseconds that the system gives to a thread at a time, so that little is taken from
// other programs.
constexpr std::chrono::microseconds kSpinTime{50};
// Between looks at the clock.
constexpr int kSpins = 64;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits until value differs from old.
template <class T>
T await_change(const std::atomic<T>& value, T old) {
  std::chrono::steady_clock::time_point end;
  do {
    for (int i = 0; i < kSpins; ++i) {
      const T now = value.load(std::memory_order_acquire);
      if (now != old) return now;
      pause_cpu();
    }
    if (end == std::chrono::steady_clock::time_point()) end = std::chrono::steady_clock::now() + kSpinTime;
  } while (std::chrono::steady_clock::now() < end);
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

// Keeps the calling thread on one processor, as far as the system lets it.
void pin_thread(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof set, &set);
}

}  // namespace

// A ticket is one item of one loop: the loop's number, how many items it has, and which of them this is.
// Whoever takes a ticket whose item exists must run it, and the loop waits for it; so its body stays valid,
// and a worker that wakes late, or never in a short loop, holds nobody up.
struct Ticket {
  static constexpr int kItemBits = 24;
  static constexpr std::uint64_t kItemMask = (std::uint64_t{1} << kItemBits) - 1;

  static std::uint64_t first(std::uint32_t loop, std::int64_t items) {
    return std::uint64_t{loop} << (2 * kItemBits) | static_cast<std::uint64_t>(items) << kItemBits;
  }
  static std::int64_t items(std::uint64_t ticket) {
    return static_cast<std::int64_t>(ticket >> kItemBits & kItemMask);
  }
  static std::int64_t item(std::uint64_t ticket) { return static_cast<std::int64_t>(ticket & kItemMask); }
};

struct ThreadPool::State {
  alignas(64) std::atomic<std::uint32_t> loop{0};
  alignas(64) std::atomic<std::uint64_t> next{0};
  alignas(64) std::atomic<std::int64_t> left{0};  // items of the loop that are not done yet
  std::atomic<const std::function<void(std::int64_t, int)>*> body{nullptr};
  std::atomic<bool> stop{false};
  std::vector<int> processors;    // to pin workers to; empty: none
  bool caller_is_pinned = false;  // or need not be
  std::vector<std::thread> threads;
};

ThreadPool::ThreadPool(int threads, bool pinned) : size_(threads), state_(std::make_unique<State>()) {
  CHECK(threads >= 1);
  if (pinned) state_->processors = processors_of_cores();
  for (int worker = 1; worker < size_; ++worker) {
    state_->threads.emplace_back([this, worker] {
      pin(worker);
      std::uint32_t seen = 0;
      while (!state_->stop.load(std::memory_order_acquire)) {
        work(worker);
        seen = await_change(state_->loop, seen);
      }
    });
  }
}

ThreadPool::~ThreadPool() {
  state_->stop.store(true, std::memory_order_release);
  state_->loop.fetch_add(1, std::memory_order_release);
  state_->loop.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

void ThreadPool::pin(int worker) {
  const std::vector<int>& processors = state_->processors;
  if (!processors.empty()) pin_thread(processors[static_cast<std::size_t>(worker) % processors.size()]);
}

std::uint32_t ThreadPool::shared_loops() const { return state_->loop.load(std::memory_order_relaxed); }

void ThreadPool::work(int worker) {
  for (;;) {
    const std::uint64_t ticket = state_->next.fetch_add(1, std::memory_order_acq_rel);
    if (Ticket::item(ticket) >= Ticket::items(ticket)) return;
    (*state_->body.load(std::memory_order_relaxed))(Ticket::item(ticket), worker);
    if (state_->left.fetch_sub(1, std::memory_order_acq_rel) == 1 && worker != 0) state_->left.notify_one();
  }
}

void ThreadPool::run(std::int64_t items, const std::function<void(std::int64_t, int)>& body) {
  if (!state_->caller_is_pinned) {
    pin(0);
    state_->caller_is_pinned = true;
  }
  if (size_ == 1 || items <= 1) {
    for (std::int64_t item = 0; item < items; ++item) body(item, 0);
    return;
  }
  // Half of the numbers are kept free for tickets that find nothing.
  CHECK(items < std::int64_t{1} << (Ticket::kItemBits - 1));
  state_->body.store(&body, std::memory_order_relaxed);
  state_->left.store(items, std::memory_order_relaxed);
  const std::uint32_t loop = state_->loop.load(std::memory_order_relaxed) + 1;
  state_->next.store(Ticket::first(loop & 0xFFFF, items), std::memory_order_release);
  state_->loop.store(loop, std::memory_order_release);
  state_->loop.notify_all();
  work(0);
  for (std::int64_t left = state_->left.load(std::memory_order_acquire); left != 0;) {
    left = await_change(state_->left, left);
  }
}

}  // namespace aloud
