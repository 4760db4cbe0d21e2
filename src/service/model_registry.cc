// One thread loads and unloads; the others wait in continuations, not in threads.
#include "service/model_registry.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

namespace aloud {
namespace {

// How often idle models are looked for.
constexpr auto kIdleCheck = std::chrono::seconds(1);

RequestError no_such_model(std::string_view name) {
  return {RequestErrorKind::kNotFound,
          fmt::format("there is no model {:?}; GET /v1/models lists those that are", name), "model",
          "model_not_found", 0};
}

}  // namespace

std::string_view name(LoadState state) {
  switch (state) {
    case LoadState::kUnloaded:
      return "unloaded";
    case LoadState::kLoading:
      return "loading";
    case LoadState::kLoaded:
      return "loaded";
    case LoadState::kFailed:
      break;
  }
  return "failed";
}

ModelRegistry::ModelRegistry(std::vector<OfferedModel> offered, double idle_seconds)
    : idle_seconds_(idle_seconds) {
  CHECK(!offered.empty());
  for (OfferedModel& model : offered) entries_.push_back({.offered = std::move(model)});
  loader_ = std::jthread([this] { work(); });
}

ModelRegistry::~ModelRegistry() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
}

ModelRegistry::Entry* ModelRegistry::find(std::string_view name) {
  if (name.empty()) return &entries_.front();
  for (Entry& entry : entries_) {
    if (entry.offered.name == name) return &entry;
  }
  return nullptr;
}

void ModelRegistry::use(std::string_view name, Continue then) {
  std::shared_ptr<ServedModel> served;
  {
    const std::lock_guard lock(mutex_);
    Entry* const entry = find(name);
    if (entry != nullptr && entry->state != LoadState::kLoaded) {
      entry->waiting.push_back(std::move(then));
      if (entry->state == LoadState::kLoading) return;
      entry->state = LoadState::kLoading;
      to_load_.push_back(entry);
      changed_.notify_all();
      return;
    }
    if (entry != nullptr) {
      entry->last_use_seconds = steady_seconds();
      served = entry->served;
    }
  }
  if (served) return then(std::move(served));
  then(tl::unexpected(no_such_model(name)));
}

bool ModelRegistry::offers(std::string_view name) const {
  return std::ranges::any_of(entries_, [&](const Entry& entry) { return entry.offered.name == name; });
}

std::vector<ModelStatus> ModelRegistry::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<ModelStatus> list;
  for (const Entry& entry : entries_) {
    list.push_back({entry.offered.name, entry.offered.file_bytes, entry.offered.created_seconds, entry.state,
                    entry.error, entry.served});
  }
  return list;
}

RequestResult<ModelStatus> ModelRegistry::status(std::string_view name) const {
  for (ModelStatus& model : list()) {
    if (model.name == name) return std::move(model);
  }
  return tl::unexpected(no_such_model(name));
}

void ModelRegistry::work() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    changed_.wait_for(lock, kIdleCheck, [this] { return ending_ || !to_load_.empty(); });
    if (!to_load_.empty()) {
      Entry* const entry = to_load_.front();
      to_load_.pop_front();
      load(*entry, lock);
      continue;
    }
    std::vector<std::shared_ptr<ServedModel>> idle = take_idle();
    lock.unlock();
    idle.clear();  // waits for their engines, without the lock
    lock.lock();
  }
}

void ModelRegistry::load(Entry& entry, std::unique_lock<std::mutex>& lock) {
  RequestResult<std::shared_ptr<ServedModel>> outcome;
  lock.unlock();
  auto loaded = entry.offered.load();
  lock.lock();
  if (loaded) {
    entry.served = std::move(*loaded);
    entry.state = LoadState::kLoaded;
    entry.error.clear();
    entry.last_use_seconds = steady_seconds();
    outcome = entry.served;
  } else {
    entry.state = LoadState::kFailed;
    entry.error = loaded.error().message;
    outcome = refuse(RequestErrorKind::kInternal, "the model {} cannot be loaded: {}", entry.offered.name,
                     entry.error);
  }
  const std::vector<Continue> waiting = std::exchange(entry.waiting, {});
  lock.unlock();
  for (const Continue& then : waiting) then(outcome);
  lock.lock();
}

std::vector<std::shared_ptr<ServedModel>> ModelRegistry::take_idle() {
  std::vector<std::shared_ptr<ServedModel>> idle;
  if (idle_seconds_ <= 0) return idle;
  for (Entry& entry : entries_) {
    if (&entry == &entries_.front() || entry.state != LoadState::kLoaded) continue;
    // Nobody but this list holds it, and use() needs the lock.
    if (entry.served.use_count() > 1) {
      entry.last_use_seconds = steady_seconds();
    } else if (steady_seconds() - entry.last_use_seconds >= idle_seconds_) {
      entry.state = LoadState::kUnloaded;
      idle.push_back(std::move(entry.served));
    }
  }
  return idle;
}

}  // namespace aloud
