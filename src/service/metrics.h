// What operators watch, in Prometheus' text form: counters and times, never contents.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "service/model_registry.h"
#include "service/running_reply.h"

namespace aloud {

// Any thread.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // A reply ended, or was refused with this kind of error.
  void count_reply(std::string_view model, const Reply& reply);
  void count_error(std::string_view model, RequestErrorKind kind);
  void count_request(std::string_view route, int status);

  // The store refused what nobody waits for: "reply" (the end of one), "purge" (what is to be erased).
  void count_store_failure(std::string_view what);

  // The whole page; models: as they are now.
  std::string text(const std::vector<ModelStatus>& models);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace aloud
