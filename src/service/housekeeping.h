// What the store needs while a server runs: now and then, what was deleted long ago is erased.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <thread>

#include "store/store.h"

namespace aloud {

// How long a deleted conversation can be restored.
inline constexpr std::chrono::milliseconds kKeepDeleted = std::chrono::days(30);

// A thread of its own: erasing waits for the disk. What cannot be erased is tried again the next time.
class Housekeeping {
 public:
  // Begins at once, then goes on once in every period. now_ms: milliseconds since 1970. on_failure: the
  // store could not erase. Both are called on the thread.
  // The store must outlive it.
  Housekeeping(Store& store, std::function<std::int64_t()> now_ms,
               std::chrono::milliseconds period = std::chrono::hours(1),
               std::function<void(const StoreError&)> on_failure = {});

 private:
  std::jthread thread_;  // ends at once, or when what it erases is erased
};

}  // namespace aloud
