// Workers spin briefly for the next loop, then sleep on a futex.
#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/check.h"

namespace aloud {
namespace {

// How often a waiting worker looks again before it sleeps: about 20 us, the time between two loops of one layer.
constexpr int kSpins = 4000;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits until value differs from old.
template <class T>
T await_change(const std::atomic<T>& value, T old) {
  for (int i = 0; i < kSpins; ++i) {
    const T now = value.load(std::memory_order_acquire);
    if (now != old) return now;
    pause_cpu();
  }
  value.wait(old, std::memory_order_acquire);
  return value.load(std::memory_order_acquire);
}

}  // namespace

struct ThreadPool::State {
  alignas(64) std::atomic<std::uint32_t> generation{0};
  alignas(64) std::atomic<std::int64_t> next{0};
  alignas(64) std::atomic<int> busy{0};
  std::int64_t items = 0;
  const std::function<void(std::int64_t, int)>* body = nullptr;
  bool stop = false;
  std::vector<std::thread> threads;
};

ThreadPool::ThreadPool(int threads) : size_(threads), state_(std::make_unique<State>()) {
  CHECK(threads >= 1);
  for (int worker = 1; worker < size_; ++worker) {
    state_->threads.emplace_back([this, worker] {
      std::uint32_t seen = 0;
      for (;;) {
        seen = await_change(state_->generation, seen);
        if (state_->stop) return;
        work(worker);
        if (state_->busy.fetch_sub(1, std::memory_order_acq_rel) == 1) state_->busy.notify_one();
      }
    });
  }
}

ThreadPool::~ThreadPool() {
  state_->stop = true;
  state_->generation.fetch_add(1, std::memory_order_release);
  state_->generation.notify_all();
  for (auto& thread : state_->threads) thread.join();
}

void ThreadPool::work(int worker) {
  for (;;) {
    const std::int64_t item = state_->next.fetch_add(1, std::memory_order_relaxed);
    if (item >= state_->items) return;
    (*state_->body)(item, worker);
  }
}

void ThreadPool::run(std::int64_t items, const std::function<void(std::int64_t, int)>& body) {
  if (size_ == 1 || items <= 1) {
    for (std::int64_t item = 0; item < items; ++item) body(item, 0);
    return;
  }
  state_->items = items;
  state_->body = &body;
  state_->next.store(0, std::memory_order_relaxed);
  state_->busy.store(size_ - 1, std::memory_order_relaxed);
  state_->generation.fetch_add(1, std::memory_order_release);
  state_->generation.notify_all();
  work(0);
  for (int left = state_->busy.load(std::memory_order_acquire); left != 0;) left = await_change(state_->busy, left);
}

int physical_cores() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  }
  // Two logical processors are one core when they name the same siblings.
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    std::string siblings;
    if (!std::getline(file, siblings)) siblings = "cpu" + std::to_string(cpu);
    cores.insert(siblings);
  }
  return std::max<int>(1, static_cast<int>(cores.size()));
}

}  // namespace aloud
