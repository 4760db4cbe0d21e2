// Many sequences on one model: who computes what in the next step.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/thread_pool.h"
#include "engine/fair_share.h"
#include "engine/kv_cache.h"
#include "engine/prefix_tree.h"
#include "engine/sequence.h"
#include "engine/sequence_request.h"
#include "engine/step_pace.h"
#include "engine/waiting_line.h"
#include "models/model.h"

namespace aloud {

struct SchedulerOptions {
  std::int64_t context = 0;                 // most tokens of one sequence, as far as the pages hold them
  std::int64_t max_pages = 0;               // of all sequences, and of what is kept for later ones
  std::int64_t max_sequences = 32;          // that are computed in one step
  std::int64_t max_waiting = 512;           // in the queue,
  std::int64_t max_waiting_of_owner = 128;  // and of one owner
  double step_seconds = 0.15;               // what a step should take: prompts are read in chunks for that
  ThreadPool* threads = nullptr;            // the model's: they draw tokens too; nullptr: one thread does
  std::function<double()> clock;            // seconds; empty: a steady one
};

struct SchedulerStats {
  // Now.
  std::int64_t waiting = 0;
  std::int64_t reading = 0;
  std::int64_t generating = 0;
  std::int64_t pages_total = 0;
  std::int64_t pages_used = 0;  // by sequences, and by what is kept,
  std::int64_t pages_idle = 0;  // which no sequence uses
  double step_seconds = 0;      // of the last step
  // Since the beginning.
  std::int64_t steps = 0;
  std::int64_t prompt_tokens = 0;     // computed
  std::int64_t cached_tokens = 0;     // of prompts, that were there already
  std::int64_t generated_tokens = 0;  // computed, not as part of a prompt
  std::int64_t repeated_tokens = 0;   // computed again after a pause, whichever they are
  std::int64_t paused = 0;            // sequences that had to make room for others, each time
  std::int64_t finished = 0;          // sequences: by themselves,
  std::int64_t cancelled = 0;         // by the client,
  std::int64_t failed = 0;            // by an error;
  std::int64_t refused = 0;           // and requests that were not taken
};

// Continuous batching: each step computes one token of every sequence that generates and, in chunks, the
// prompts of those that began. Who begins and whose prompt is read goes by priority, then by fair share
// between owners, then by arrival. Prompts that begin alike are computed once (PrefixTree), also while the
// first of them is still being read. When places or pages run out, those who have more than others pause:
// what they computed stays in the tree as long as nobody needs its pages, and is computed again with the same
// bits. A sequence's tokens depend on its request alone, not on the company.
class Scheduler {
 public:
  // vocabulary: ids that may be sampled are [0, vocabulary), at most the model's. The model must outlive it.
  Scheduler(Model& model, std::int64_t vocabulary, SchedulerOptions options);
  ~Scheduler();  // cancels all; no other thread may be in it
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // From any thread.
  tl::expected<SequenceId, Refusal> submit(SequenceRequest request, std::unique_ptr<SequenceClient> client);
  // finished(kCancelled) follows after the step, unless it has finished already; a step that computes only
  // for those who were cancelled ends early.
  void cancel(SequenceId id);
  // From now on nobody is taken; those who are not done after so many seconds are cancelled.
  void drain(double seconds);
  SchedulerStats stats() const;

  // From the engine's thread.
  bool step();  // false: there was nothing to do
  bool wait();  // until there is something to do; false: never again, it is drained

 private:
  std::optional<Refusal> check(const SequenceRequest& request) const;
  std::optional<Refusal> check_queue(const std::string& owner) const;

  void receive();
  void admit();
  bool follows(Sequence& waiting) const;
  bool make_room(Sequence& waiting);
  void begin(Sequence& sequence);
  void pause(Sequence& sequence);
  void leave_queue(Sequence& sequence);

  void plan();
  void plan_prompts();
  void plan_tokens(Sequence& sequence, std::int64_t tokens);
  void plan_pages();

  void watch_cancelled();
  bool compute();
  void advance(Sequence& sequence);
  void generate(std::span<Sequence* const> drawing);
  void hand_over(Sequence& sequence, const DrawnToken& drawn);
  void finish(Sequence& sequence, Result<Generation> result);

  double seconds_per_place() const;
  void tell_stats();

  Model& model_;
  const std::int64_t vocabulary_;
  const SchedulerOptions options_;  // with the context that the pages hold and a clock

  // Of the engine's thread.
  KvPool pool_;
  PrefixTree tree_;
  FairShare fair_;
  StepPace pace_;
  std::unordered_map<SequenceId, std::unique_ptr<Sequence>> sequences_;
  WaitingLine waiting_;
  std::vector<Sequence*> running_;
  std::vector<Sequence*> planned_;  // running ones, in the order of the model's steps
  std::vector<float> logits_;
  double running_seconds_ = 0;  // that a sequence runs, on average
  SchedulerStats counts_;

  // Shared with those who submit and cancel.
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Sequence>> inbox_;
  std::vector<SequenceId> cancelled_;
  std::vector<SequenceId> awaited_;  // whom the step computes for, but for those who were cancelled
  std::atomic<bool> stop_ = false;   // nobody waits for the step; may also be read without the mutex
  std::map<std::string, std::int64_t> queued_;  // by owner: submitted and not begun yet
  std::int64_t all_queued_ = 0;
  SequenceId last_id_ = 0;
  std::optional<double> drained_at_;  // when the last will be cancelled
  double seconds_per_place_ = 0;      // in the queue
  SchedulerStats stats_;
};

}  // namespace aloud
