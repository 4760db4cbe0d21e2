// One loop, which the end of the thread interrupts.
#include "service/housekeeping.h"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <utility>

namespace aloud {

Housekeeping::Housekeeping(Store& store, std::function<std::int64_t()> now_ms,
                           std::chrono::milliseconds period,
                           std::function<void(const StoreError&)> on_failure)
    : thread_([&store, now_ms = std::move(now_ms), period,
               on_failure = std::move(on_failure)](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any ending;
        std::unique_lock lock(mutex);
        const auto must_end = [&stop] { return stop.stop_requested(); };
        do {
          const auto purged = store.purge(now_ms() - kKeepDeleted.count());
          if (!purged && on_failure) on_failure(purged.error());
        } while (!ending.wait_for(lock, stop, period, must_end));
      }) {}

}  // namespace aloud
