// One loop, which the end of the thread interrupts.
#include "service/housekeeping.h"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace aloud {

Housekeeping::Housekeeping(Store& store, std::function<std::int64_t()> now_ms,
                           std::chrono::milliseconds period)
    : thread_([&store, now_ms = std::move(now_ms), period](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any ending;
        std::unique_lock lock(mutex);
        const auto must_end = [&stop] { return stop.stop_requested(); };
        do {
          (void)store.purge(now_ms() - kKeepDeleted.count());
        } while (!ending.wait_for(lock, stop, period, must_end));
      }) {}

}  // namespace aloud
