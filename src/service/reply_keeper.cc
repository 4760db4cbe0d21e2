// One thread that wakes once a second while something grows.
#include "service/reply_keeper.h"

#include <chrono>
#include <utility>
#include <vector>

namespace aloud {

ReplyKeeper::ReplyKeeper(Store& store) : store_(store), thread_([this] { run(); }) {}

ReplyKeeper::~ReplyKeeper() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  changed_.notify_all();
}

void ReplyKeeper::grow(const ReplyPart& part) {
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = growing_.try_emplace({part.owner, part.message}, part);
  if (is_new) {
    at->second.number = 0;
    changed_.notify_all();
    return;
  }
  at->second.thought += part.thought;
  at->second.content += part.content;
}

void ReplyKeeper::forget(const std::string& owner, const std::string& message) {
  const std::lock_guard lock(mutex_);
  growing_.erase({owner, message});
}

void ReplyKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait(lock, [this] { return ending_ || !growing_.empty(); });
    changed_.wait_for(lock, std::chrono::duration<double>(kSeconds), [this] { return ending_; });
    if (!ending_) store_parts(lock);
  }
  store_parts(lock);
}

// What the store did not take stays, with its number, and is brought again with what came since.
void ReplyKeeper::store_parts(std::unique_lock<std::mutex>& lock) {
  std::vector<ReplyPart> parts;
  for (const auto& [key, part] : growing_) {
    if (!part.thought.empty() || !part.content.empty()) parts.push_back(part);
  }
  if (parts.empty()) return;
  lock.unlock();
  const bool stored = store_.add_reply_parts(parts).has_value();
  lock.lock();
  if (!stored) return;
  for (const ReplyPart& part : parts) {
    const auto at = growing_.find({part.owner, part.message});
    if (at == growing_.end()) continue;
    at->second.thought.erase(0, part.thought.size());
    at->second.content.erase(0, part.content.size());
    ++at->second.number;
  }
}

}  // namespace aloud
