// Lets the replies that run grow in the store, all together about once a second.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "store/store.h"

namespace aloud {

// Any thread; no caller waits for the store.
class ReplyKeeper {
 public:
  static constexpr double kSeconds = 1;
  static constexpr double kLongestSeconds = 60;
  static constexpr int kPatience = 4;
  static constexpr std::size_t kMostUnwritten = 1000;

  // The store must outlive it.
  explicit ReplyKeeper(Store& store, double seconds = kSeconds);
  // Stores what is left; what the store refused is tried once more.
  ~ReplyKeeper();

  // More of a reply that is in the store with status running; part.number is not looked at.
  void grow(const ReplyPart& part);
  // The end of a reply that the store refused. write: whether the store has it now; called again and again,
  // at first after kSeconds, then after twice as long each time, at most kLongestSeconds. give_up: called
  // once, after kPatience times; write is called on, so that the reply does not stay running. Both are called
  // on the keeper's thread. Of more than kMostUnwritten the oldest is forgotten.
  struct Unwritten {
    std::function<bool()> write;
    std::function<void()> give_up;
  };
  void try_again(Unwritten unwritten);
  // The whole reply has been stored by finish_reply.
  void forget(const std::string& owner, const std::string& message);

 private:
  struct Pending {
    Unwritten unwritten;
    int failures = 0;
    double wait_seconds = 0;  // from the last time to the next
    double due_seconds = 0;   // as steady_seconds() has it
  };

  void run();
  void store_parts(std::unique_lock<std::mutex>& lock);
  void write_again(std::unique_lock<std::mutex>& lock);

  Store& store_;
  const double seconds_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<std::string, std::string>, ReplyPart> growing_;  // by owner and message: what comes next
  std::deque<Pending> unwritten_;                                     // the oldest first
  bool ending_ = false;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace aloud
