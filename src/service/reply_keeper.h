// What is stored of replies from their first words to their end, and what readers are told of them meanwhile.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "store/store.h"

namespace aloud {

// The end of a reply, as the store is to have it.
struct ReplyEnd {
  std::string owner;
  std::string conversation;  // empty: it is in none
  StoredMessage message;     // of the conversation
  StoredResponse response;
};

// Any thread. The store may refuse what it is brought, for long when the disk is full. Then it is brought
// again until the store takes it, and readers are told of it as it is.
class ReplyKeeper {
 public:
  static constexpr double kSeconds = 1;
  static constexpr double kLongestSeconds = 60;
  static constexpr int kPatience = 5;  // tries
  static constexpr std::size_t kMostUnsaved = 1000;

  // The store must outlive it. on_refusal: the store refused an end, once more; any thread.
  explicit ReplyKeeper(Store& store, std::function<void()> on_refusal = {}, double seconds = kSeconds);
  // Stores what is left; what the store refused is tried once more.
  ~ReplyKeeper();

  // kUnavailable: the store refused so many ends that no other reply should be stored.
  StoreStatus check_room() const;
  // More of a reply that is in the store with status running; all that grow are stored together about once a
  // second. part.number is not looked at. No caller waits for the store.
  void grow(const ReplyPart& part);
  // Waits for the store once. What it refuses is tried again after kSeconds, then after twice as long each
  // time, at most kLongestSeconds. `then` is called once: when the store has the end, or with why it has not
  // after kPatience tries; on this thread or on another.
  using Then = std::function<void(const StoreStatus&)>;
  void end(ReplyEnd end, Then then);
  // The server ends: tries all that the store refused once more, and waits no longer to tell.
  void settle();

  // Those of the store, but with their ends where it does not have them yet.
  StoreResult<std::vector<StoredMessage>> messages(std::string_view owner, std::string_view conversation);
  StoreResult<StoredResponse> response(std::string_view owner, std::string_view id);
  bool is_unsaved(std::string_view owner, std::string_view id) const;

 private:
  using Key = std::pair<std::string, std::string>;  // owner, and id of the reply
  struct Unsaved {
    ReplyEnd end;
    Then then;  // empty: it was called
    int tries = 1;
    double wait_seconds = 0;  // from the last try to the next
    double due_seconds = 0;   // as steady_seconds() has it
  };

  void run();
  void store_parts();
  void store_ends(bool is_last);
  StoreStatus store_end(const ReplyEnd& end);
  std::shared_ptr<const Unsaved> find(std::string_view owner, std::string_view id) const;

  Store& store_;
  const std::function<void()> on_refusal_;
  const double seconds_;
  std::mutex trying_;  // held while ends are tried again: each by one thread
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Key, ReplyPart> growing_;  // what comes next
  std::map<Key, std::shared_ptr<Unsaved>> unsaved_;
  bool ending_ = false;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace aloud
