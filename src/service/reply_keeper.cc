// One thread that wakes once a second while something grows.
#include "service/reply_keeper.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace aloud {

ReplyKeeper::ReplyKeeper(Store& store, double seconds)
    : store_(store), seconds_(seconds), thread_([this] { run(); }) {}

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

void ReplyKeeper::try_again(Unwritten unwritten) {
  const std::lock_guard lock(mutex_);
  if (unwritten_.size() == kMostUnwritten) unwritten_.pop_front();
  unwritten_.push_back({std::move(unwritten), 0, seconds_, steady_seconds() + seconds_});
  changed_.notify_all();
}

void ReplyKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait(lock, [this] { return ending_ || !growing_.empty() || !unwritten_.empty(); });
    changed_.wait_for(lock, std::chrono::duration<double>(seconds_), [this] { return ending_; });
    if (ending_) break;
    store_parts(lock);
    write_again(lock);
  }
  store_parts(lock);
  write_again(lock);
}

void ReplyKeeper::write_again(std::unique_lock<std::mutex>& lock) {
  std::deque<Pending> pending;
  pending.swap(unwritten_);
  const bool is_last = ending_;
  lock.unlock();
  std::erase_if(pending, [&](Pending& one) {
    if (!is_last && steady_seconds() < one.due_seconds) return false;
    if (one.unwritten.write()) return true;
    if (++one.failures == kPatience) one.unwritten.give_up();
    one.wait_seconds = std::min(2 * one.wait_seconds, kLongestSeconds);
    one.due_seconds = steady_seconds() + one.wait_seconds;
    return false;
  });
  lock.lock();
  // Those that came meanwhile are younger.
  std::ranges::move(unwritten_, std::back_inserter(pending));
  unwritten_ = std::move(pending);
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
