// From a request to a running reply: the model, the prompt, the scheduler, and the list of what runs.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

#include "base/task_queue.h"
#include "chat/message.h"
#include "chat/reply.h"
#include "service/model_registry.h"
#include "service/running_reply.h"

namespace aloud {

struct ReplyRequest {
  std::string id;     // unique, as the dialect forms it; found by it while it runs
  std::string owner;  // whose share it counts against; nobody else finds it
  std::string model;  // empty: the default
  std::variant<std::vector<Message>, RawPrompt> prompt;
  SamplingChoices sampling;  // applied to the model's own
  ReplyOptions options;      // but for its sampling
  int priority = 0;          // larger goes first
  bool keep = false;         // its events stay for a while after its end
};

// Any thread. Its end interrupts what runs and waits for it, and for starts that wait for a model.
class ReplyService {
 public:
  using Started = std::function<void(RequestResult<std::shared_ptr<RunningReply>>)>;

  // Kept replies are forgotten so many seconds after their end.
  static constexpr double kKeepSeconds = 600;
  // An engine that takes longer to let go of what was interrupted is not waited for.
  static constexpr double kInterruptSeconds = 10;
  // After which a refused client may ask again, when another server may be there.
  static constexpr double kRetrySeconds = 5;

  explicit ReplyService(ModelRegistry& models) : models_(models) {}
  ~ReplyService();

  // Takes the time of rendering and encoding the prompt. `then` is called once, here or on the loading
  // thread; who listens to the reply then misses nothing. Errors: no such model, a prompt that the template
  // refuses or that does not fit, parameters out of range, a full queue.
  void start(ReplyRequest request, Started then);

  // How many tokens the prompt of such a reply would have, as its usage would tell. `then` and errors as
  // above.
  void count_prompt(ReplyRequest request, std::function<void(RequestResult<std::size_t>)> then);

  // Refuses what is started from now on (kCapacity), lets what runs go on for at most so many seconds, then
  // interrupts it. Blocks until all has ended, or kInterruptSeconds after that. Returns how many replies were
  // interrupted.
  std::size_t drain(double seconds);

  // nullptr: there is none, or it is not this owner's.
  std::shared_ptr<RunningReply> find(const std::string& id, const std::string& owner) const;

 private:
  struct Entry {
    std::shared_ptr<RunningReply> reply;
    bool keep = false;
    double finished_seconds = 0;  // 0: it runs
  };

  RequestResult<std::shared_ptr<RunningReply>> begin(ReplyRequest request,
                                                     const std::shared_ptr<ServedModel>& model);
  void finished(const std::string& id);
  bool is_idle() const { return starting_ == 0 && started_ == finished_; }  // with the lock held
  std::size_t interrupt_all(std::unique_lock<std::mutex>& lock);
  void forget_old();  // with the lock held

  ModelRegistry& models_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  enum class Phase { kOpen, kDraining, kEnding };
  Phase phase_ = Phase::kOpen;
  std::int64_t starting_ = 0;
  std::map<std::string, Entry> replies_;
  std::int64_t started_ = 0;
  std::int64_t finished_ = 0;
  TaskQueue delivery_{1};  // last: it uses the others
};

}  // namespace aloud
