// The models that a server offers: by name, loaded when first asked for, let go of when nobody asks.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "service/request_error.h"
#include "service/served_model.h"

namespace aloud {

struct OfferedModel {
  std::string name;  // as clients call it
  std::int64_t file_bytes = 0;
  std::int64_t created_seconds = 0;  // of the file, since 1970
  std::function<Result<std::unique_ptr<ServedModel>>()> load;
};

enum class LoadState { kUnloaded, kLoading, kLoaded, kFailed };
std::string_view name(LoadState state);  // "unloaded", "loading", "loaded", "failed"

struct ModelStatus {
  std::string name;
  std::int64_t file_bytes = 0;
  std::int64_t created_seconds = 0;
  LoadState state = LoadState::kUnloaded;
  std::string error;                    // of the last load, with kFailed
  std::shared_ptr<ServedModel> served;  // with kLoaded
};

// Any thread. One model is loaded at a time.
class ModelRegistry {
 public:
  using Continue = std::function<void(RequestResult<std::shared_ptr<ServedModel>>)>;

  // offered: at least one, the first is the default; names differ. idle_seconds: a model other than the
  // default is unloaded when nobody used it for so long; 0: never.
  ModelRegistry(std::vector<OfferedModel> offered, double idle_seconds);
  // Waits for a load that is under way; models end when their last user lets go.
  ~ModelRegistry();

  // Hands over the model of that name (empty: the default), at once where it is in memory, else on the
  // loading thread. Errors: no such model; it cannot be loaded.
  void use(std::string_view name, Continue then);
  std::vector<ModelStatus> list() const;
  // Of the model of exactly that name. Errors: no such model.
  RequestResult<ModelStatus> status(std::string_view name) const;
  bool offers(std::string_view name) const;
  const std::string& default_name() const { return entries_.front().offered.name; }

 private:
  struct Entry {
    OfferedModel offered;
    LoadState state = LoadState::kUnloaded;
    std::string error;
    std::shared_ptr<ServedModel> served;
    std::vector<Continue> waiting;
    double last_use_seconds = 0;
  };

  Entry* find(std::string_view name);
  void work();
  void load(Entry& entry, std::unique_lock<std::mutex>& lock);
  std::vector<std::shared_ptr<ServedModel>> take_idle();

  const double idle_seconds_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Entry> entries_;
  std::deque<Entry*> to_load_;
  bool ending_ = false;
  std::jthread loader_;  // last: it uses the others
};

}  // namespace aloud
