// One thread that wakes once a second while something grows or is not saved.
#include "service/reply_keeper.h"

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace aloud {

ReplyKeeper::ReplyKeeper(Store& store, std::function<void()> on_refusal, double seconds)
    : store_(store), on_refusal_(std::move(on_refusal)), seconds_(seconds), thread_([this] { run(); }) {}

ReplyKeeper::~ReplyKeeper() {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  changed_.notify_all();
}

StoreStatus ReplyKeeper::check_room() const {
  const std::lock_guard lock(mutex_);
  if (unsaved_.size() < kMostUnsaved) return {};
  return fail_store(StoreError::Kind::kUnavailable, "{} replies that ended could not be stored yet",
                    unsaved_.size());
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

void ReplyKeeper::end(ReplyEnd end, Then then) {
  const Key key = {end.owner, end.response.id};
  const StoreStatus stored = store_end(end);
  {
    const std::lock_guard lock(mutex_);
    if (stored) {
      growing_.erase(key);
    } else {
      unsaved_[key] = std::make_shared<Unsaved>(Unsaved{.end = std::move(end),
                                                        .then = std::move(then),
                                                        .wait_seconds = seconds_,
                                                        .due_seconds = steady_seconds() + seconds_});
      changed_.notify_all();
    }
  }
  if (stored) then(stored);
}

void ReplyKeeper::settle() { store_ends(true); }

void ReplyKeeper::run() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait(lock, [this] { return ending_ || !growing_.empty() || !unsaved_.empty(); });
    changed_.wait_for(lock, std::chrono::duration<double>(seconds_), [this] { return ending_; });
    if (ending_) break;
    lock.unlock();
    store_parts();
    store_ends(false);
    lock.lock();
  }
  lock.unlock();
  store_parts();
  store_ends(true);
}

void ReplyKeeper::store_ends(bool is_last) {
  const std::lock_guard trying(trying_);
  std::vector<std::shared_ptr<Unsaved>> due;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, unsaved] : unsaved_) {
      if (is_last || unsaved->due_seconds <= steady_seconds()) due.push_back(unsaved);
    }
  }
  for (const auto& unsaved : due) {
    const StoreStatus stored = store_end(unsaved->end);
    if (stored) {
      const Key key = {unsaved->end.owner, unsaved->end.response.id};
      const std::lock_guard lock(mutex_);
      unsaved_.erase(key);
      growing_.erase(key);
    } else {
      ++unsaved->tries;
      unsaved->wait_seconds = std::min(2 * unsaved->wait_seconds, kLongestSeconds);
      unsaved->due_seconds = steady_seconds() + unsaved->wait_seconds;
    }
    const bool must_tell = stored || is_last || unsaved->tries >= kPatience;
    if (must_tell && unsaved->then) std::exchange(unsaved->then, nullptr)(stored);
  }
}

// What was deleted meanwhile stays so, and is no failure.
StoreStatus ReplyKeeper::store_end(const ReplyEnd& end) {
  const auto is_gone = [](const StoreError& error) { return error.kind == StoreError::Kind::kNotFound; };
  StoreStatus stored;
  if (!end.conversation.empty()) stored = store_.finish_reply(end.owner, end.conversation, end.message);
  if (stored || is_gone(stored.error())) {
    if (const auto there = store_.response(end.owner, end.response.id); there) {
      stored = store_.put_response(end.owner, end.response);
    } else if (is_gone(there.error())) {
      stored = {};
    } else {
      stored = tl::unexpected(there.error());
    }
  }
  if (!stored && on_refusal_) on_refusal_();
  return stored;
}

// What the store did not take stays, with its number, and is brought again with what came since.
void ReplyKeeper::store_parts() {
  std::vector<ReplyPart> parts;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, part] : growing_) {
      if (!part.thought.empty() || !part.content.empty()) parts.push_back(part);
    }
  }
  if (parts.empty() || !store_.add_reply_parts(parts)) return;
  const std::lock_guard lock(mutex_);
  for (const ReplyPart& part : parts) {
    const auto at = growing_.find({part.owner, part.message});
    if (at == growing_.end()) continue;
    at->second.thought.erase(0, part.thought.size());
    at->second.content.erase(0, part.content.size());
    ++at->second.number;
  }
}

std::shared_ptr<const ReplyKeeper::Unsaved> ReplyKeeper::find(std::string_view owner,
                                                              std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto at = unsaved_.find({std::string(owner), std::string(id)});
  return at == unsaved_.end() ? nullptr : at->second;
}

bool ReplyKeeper::is_unsaved(std::string_view owner, std::string_view id) const {
  return find(owner, id) != nullptr;
}

StoreResult<std::vector<StoredMessage>> ReplyKeeper::messages(std::string_view owner,
                                                              std::string_view conversation) {
  TRY_ASSIGN(std::vector<StoredMessage> messages, store_.messages(owner, conversation));
  for (StoredMessage& message : messages) {
    if (message.status != ReplyStatus::kRunning) continue;
    const auto unsaved = find(owner, message.id);
    if (!unsaved) continue;
    const StoredMessage stored = std::exchange(message, unsaved->end.message);
    message.parent = stored.parent;
    message.role = stored.role;
    message.created_ms = stored.created_ms;
    message.is_unsaved = true;
  }
  return messages;
}

StoreResult<StoredResponse> ReplyKeeper::response(std::string_view owner, std::string_view id) {
  TRY_ASSIGN(StoredResponse response, store_.response(owner, id));
  if (response.status != ReplyStatus::kRunning) return response;
  const auto unsaved = find(owner, id);
  if (!unsaved) return response;
  response = unsaved->end.response;
  response.is_unsaved = true;
  return response;
}

}  // namespace aloud
