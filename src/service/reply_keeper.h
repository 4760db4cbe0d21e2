// Lets the replies that run grow in the store, all together about once a second.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "store/store.h"

namespace aloud {

// Any thread; nothing here waits for the store.
class ReplyKeeper {
 public:
  static constexpr double kSeconds = 1;

  // The store must outlive it.
  explicit ReplyKeeper(Store& store);
  // Stores what is left.
  ~ReplyKeeper();

  // More of a reply that is in the store with status running; part.number is not looked at.
  void grow(const ReplyPart& part);
  // The whole reply has been stored by finish_reply.
  void forget(const std::string& owner, const std::string& message);

 private:
  void run();
  void store_parts(std::unique_lock<std::mutex>& lock);

  Store& store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<std::string, std::string>, ReplyPart> growing_;  // by owner and message: what comes next
  bool ending_ = false;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace aloud
