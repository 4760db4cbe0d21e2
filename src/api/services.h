// What the routes work with.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>

#include "api/route.h"
#include "api/web_files.h"
#include "base/task_queue.h"
#include "engine/grammar_cache.h"
#include "service/access_control.h"
#include "service/metrics.h"
#include "service/model_registry.h"
#include "service/reply_keeper.h"
#include "service/reply_service.h"
#include "store/secret.h"
#include "store/store.h"

namespace aloud {

// Owned by the server; every part may be used from any thread.
struct ApiServices {
  ModelRegistry& models;
  GrammarCache& grammars;
  ReplyService& replies;
  ReplyKeeper& keeper;
  Store& store;
  AccessControl& access;
  Metrics& metrics;
  TaskQueue& background;           // one thread, in order: what writes to the store after an answer
  std::atomic<bool>& is_draining;  // no longer ready
  std::string version;
  std::chrono::milliseconds response_retention{};  // 0: for ever
  WebFiles web_files = WebFiles::embedded();
};

}  // namespace aloud
