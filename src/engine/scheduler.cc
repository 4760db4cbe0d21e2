// One step: take messages, let sequences begin, plan, compute, deliver.
#include "engine/scheduler.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

namespace aloud {
namespace {

// A sequence that generates gets all it has to compute at once, up to here: usually one token, or a few that
// were put in. What was generated before a pause is computed again in chunks of this: attention keeps much
// for each of such tokens.
constexpr std::int64_t kGeneratedChunkTokens = 64;

SchedulerOptions complete(SchedulerOptions options) {
  CHECK(options.context >= 1 && options.max_pages >= 1 && options.max_sequences >= 1);
  options.context = std::min(options.context, options.max_pages * kPageTokens);
  if (!options.clock) options.clock = steady_seconds;
  return options;
}

// Who pauses first when there is too little for all: the least urgent, of those one of the owner who has
// most, of those the last.
bool pauses_before(const Sequence* a, const Sequence* b) {
  if (a->priority != b->priority) return a->priority < b->priority;
  if (a->owner->running != b->owner->running) return a->owner->running > b->owner->running;
  return a->id > b->id;
}

}  // namespace

Scheduler::Scheduler(Model& model, std::int64_t vocabulary, SchedulerOptions options)
    : model_(model),
      vocabulary_(vocabulary),
      options_(complete(std::move(options))),
      pool_(model.shape().kv, options_.max_pages),
      tree_(pool_),
      pace_(options_.step_seconds),
      logits_(static_cast<std::size_t>(options_.max_sequences * model.shape().vocabulary)) {
  CHECK(vocabulary >= 1 && vocabulary <= model.shape().vocabulary);
}

Scheduler::~Scheduler() {
  drain(0);
  receive();
}

std::optional<Refusal> Scheduler::check(const SequenceRequest& request) const {
  const auto size = static_cast<std::int64_t>(request.prompt.size());
  const auto invalid = [](std::string message) {
    return Refusal{Refusal::Kind::kInvalid, std::move(message)};
  };
  if (size == 0) return invalid("the prompt is empty");
  for (const TokenId token : request.prompt) {
    if (token < 0 || token >= model_.shape().vocabulary)
      return invalid(
          fmt::format("the prompt has a token {}, expected 0 to {}", token, model_.shape().vocabulary - 1));
  }
  if (request.max_tokens < 1)
    return invalid(fmt::format("max_tokens: {} is not at least 1", request.max_tokens));
  if (request.public_tokens < 0 || request.public_tokens > size)
    return invalid(fmt::format("{} public tokens, expected 0 to {}", request.public_tokens, size));
  if (const Status status = check_sampling(request.sampling, vocabulary_); !status)
    return invalid(status.error().message);
  if (size >= options_.context)
    return Refusal{Refusal::Kind::kDoesNotFit,
                   fmt::format("the prompt has {} tokens, but the context holds {} with the reply", size,
                               options_.context)};
  return {};
}

// Under the mutex.
std::optional<Refusal> Scheduler::check_queue(const std::string& owner) const {
  if (drained_at_) {
    return Refusal{Refusal::Kind::kStopping, "no more requests are taken: the program is about to end",
                   std::max(1.0, *drained_at_ - options_.clock())};
  }
  const auto found = queued_.find(owner);
  const double retry_after = std::max(1.0, seconds_per_place_);
  if (found != queued_.end() && found->second >= options_.max_waiting_of_owner) {
    return Refusal{Refusal::Kind::kOwnerQueueFull,
                   fmt::format("{} of your requests are waiting, at most {} may", found->second,
                               options_.max_waiting_of_owner),
                   retry_after};
  }
  // Those whom the next step lets begin do not wait.
  const std::int64_t places = options_.max_sequences - stats_.reading - stats_.generating;
  const std::int64_t waiting = all_queued_ - places;
  if (waiting >= options_.max_waiting) {
    return Refusal{Refusal::Kind::kQueueFull,
                   fmt::format("{} requests are waiting, at most {} may", waiting, options_.max_waiting),
                   retry_after};
  }
  return {};
}

tl::expected<SequenceId, Refusal> Scheduler::submit(SequenceRequest request,
                                                    std::unique_ptr<SequenceClient> client) {
  std::optional<Refusal> refusal = check(request);
  std::unique_ptr<Sequence> sequence;
  if (!refusal) {
    sequence = std::make_unique<Sequence>(std::move(request), std::move(client), pool_, tree_,
                                          model_.shape().roles_matter);
    sequence->submitted_at = options_.clock();
  }
  const std::lock_guard lock(mutex_);
  if (!refusal) refusal = check_queue(sequence->owner_name);
  if (refusal) {
    ++stats_.refused;
    return tl::unexpected(std::move(*refusal));
  }
  ++queued_[sequence->owner_name];
  ++all_queued_;
  const SequenceId id = sequence->id = ++last_id_;
  inbox_.push_back(std::move(sequence));
  changed_.notify_one();
  return id;
}

void Scheduler::cancel(SequenceId id) {
  const std::lock_guard lock(mutex_);
  cancelled_.push_back(id);
  if (std::erase(awaited_, id) > 0 && awaited_.empty()) stop_ = true;
  changed_.notify_one();
}

void Scheduler::drain(double seconds) {
  const std::lock_guard lock(mutex_);
  drained_at_ = options_.clock() + seconds;
  changed_.notify_one();
}

SchedulerStats Scheduler::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

bool Scheduler::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !inbox_.empty() || !cancelled_.empty() || drained_at_; });
  return !inbox_.empty() || !drained_at_;
}

bool Scheduler::step() {
  const double start = options_.clock();
  receive();
  admit();
  plan();
  waiting_.tell_positions(start, seconds_per_place());
  const bool works = !planned_.empty();
  CHECK(works || sequences_.empty());
  if (works) {
    std::int64_t tokens = 0;
    for (const Sequence* sequence : planned_) tokens += sequence->step_tokens;
    const bool is_whole = compute();
    const double seconds = options_.clock() - start;
    if (is_whole) pace_.learn(tokens, seconds);
    counts_.step_seconds = seconds;
    ++counts_.steps;
  } else {
    fair_.forget_all();
  }
  tell_stats();
  return works;
}

void Scheduler::receive() {
  std::vector<std::unique_ptr<Sequence>> submitted;
  std::vector<SequenceId> cancelled;
  bool is_over = false;
  {
    const std::lock_guard lock(mutex_);
    submitted.swap(inbox_);
    cancelled.swap(cancelled_);
    is_over = drained_at_ && options_.clock() >= *drained_at_;
  }
  for (std::unique_ptr<Sequence>& sequence : submitted) {
    sequence->owner = &fair_.owner(sequence->owner_name);
    waiting_.add(*sequence);
    sequences_.emplace(sequence->id, std::move(sequence));
  }
  if (is_over) {
    for (const auto& [id, sequence] : sequences_) cancelled.push_back(id);
  }
  for (const SequenceId id : cancelled) {
    const auto found = sequences_.find(id);
    if (found == sequences_.end()) continue;
    found->second->result.finish = FinishReason::kCancelled;
    finish(*found->second, found->second->result);
  }
}

void Scheduler::admit() {
  while (Sequence* next = waiting_.next([&](Sequence& waiting) { return !follows(waiting); })) {
    fair_.pass_rounds(*next->owner);
    if (!make_room(*next)) return;
    begin(*next);
  }
}

// Whether it does better to wait until another one has read what they have in common.
bool Scheduler::follows(Sequence& waiting) const {
  const auto still_reads = [&](const Sequence& reader) {
    return reader.state == SequenceState::kReading && reader.timeline.computed() < waiting.followed_tokens;
  };
  if (waiting.followed != 0) {
    const auto found = sequences_.find(waiting.followed);
    if (found != sequences_.end() && still_reads(*found->second)) return true;
    waiting.followed = 0;
  }
  for (const Sequence* reader : running_) {
    if (reader->state != SequenceState::kReading) continue;
    waiting.followed_tokens = waiting.timeline.worth_waiting_for(reader->timeline);
    if (!still_reads(*reader)) continue;
    waiting.followed = reader->id;
    return true;
  }
  return false;
}

// Joins it to the tree if there are a place and pages for it, if need be because others pause: less urgent
// ones, and those of owners who would still have as many.
bool Scheduler::make_room(Sequence& waiting) {
  const auto gives_way = [&](const Sequence* sequence) {
    if (sequence->priority != waiting.priority) return sequence->priority < waiting.priority;
    return sequence->owner->running >= waiting.owner->running + 2;
  };
  for (;;) {
    if (std::ssize(running_) < options_.max_sequences) {
      // What the running ones will read is theirs, and each may soon need a page more.
      std::int64_t promised = std::ssize(running_);
      for (const Sequence* sequence : running_) promised += sequence->timeline.missing_pages();
      if (waiting.timeline.join(promised)) return true;
    }
    const auto last = std::ranges::min_element(running_, pauses_before);
    if (last == running_.end() || !gives_way(*last)) return false;
    pause(**last);
  }
}

void Scheduler::begin(Sequence& sequence) {
  waiting_.remove(sequence);
  running_.push_back(&sequence);
  ++sequence.owner->running;
  sequence.state = SequenceState::kReading;
  const std::int64_t cached = sequence.timeline.computed();
  if (sequence.has_begun) return;
  sequence.begun_at = options_.clock();
  sequence.result.waiting_seconds = sequence.begun_at - sequence.submitted_at;
  sequence.result.cached_tokens = cached;
  counts_.cached_tokens += cached;
  leave_queue(sequence);
  sequence.client->reading(cached, sequence.timeline.prompt_tokens(), cached);
}

void Scheduler::pause(Sequence& sequence) {
  sequence.furthest_tokens = std::max(sequence.furthest_tokens, sequence.timeline.computed());
  sequence.timeline.leave();
  std::erase(running_, &sequence);
  --sequence.owner->running;
  sequence.state = SequenceState::kWaiting;
  sequence.step_tokens = 0;
  waiting_.add(sequence);
  ++counts_.paused;
}

// It has begun, or never will.
void Scheduler::leave_queue(Sequence& sequence) {
  if (std::exchange(sequence.has_begun, true)) return;
  const std::lock_guard lock(mutex_);
  const auto queued = queued_.find(sequence.owner_name);
  if (--queued->second == 0) queued_.erase(queued);
  --all_queued_;
}

void Scheduler::plan() {
  for (Sequence* sequence : running_) {
    sequence->step_tokens = 0;
    if (sequence->state == SequenceState::kGenerating)
      plan_tokens(*sequence, sequence->timeline.next_tokens(kGeneratedChunkTokens));
  }
  plan_prompts();
  plan_pages();
  planned_.clear();
  for (Sequence* sequence : running_) {
    if (sequence->step_tokens > 0) planned_.push_back(sequence);
  }
  std::ranges::stable_sort(planned_, {}, [](const Sequence* sequence) {
    return sequence->timeline.step(sequence->step_tokens).role;
  });
}

// Deals out the tokens that the step has time to read.
void Scheduler::plan_prompts() {
  std::vector<Sequence*> readers;
  std::int64_t generated = 0;
  for (Sequence* sequence : running_) {
    generated += sequence->step_tokens;
    if (sequence->state == SequenceState::kReading) readers.push_back(sequence);
  }
  std::int64_t left = pace_.prompt_tokens(generated);
  while (left > 0 && !readers.empty()) {
    const auto next = std::ranges::min_element(
        readers, [](const Sequence* a, const Sequence* b) { return goes_before(*a, *b); });
    Sequence& reader = **next;
    readers.erase(next);
    fair_.pass_rounds(*reader.owner);
    const bool is_prompt = reader.timeline.computed() < reader.timeline.prompt_tokens();
    plan_tokens(reader,
                reader.timeline.next_tokens(is_prompt ? left : std::min(left, kGeneratedChunkTokens)));
    left -= reader.step_tokens;
  }
}

// Its owner pays for them, but for what was computed before a pause.
void Scheduler::plan_tokens(Sequence& sequence, std::int64_t tokens) {
  sequence.step_tokens = tokens;
  const std::int64_t before = std::max(sequence.timeline.computed(), sequence.furthest_tokens);
  sequence.owner->credit -= std::max<std::int64_t>(0, sequence.timeline.computed() + tokens - before);
}

// Those who do not get the pages that they need make others pause, or themselves.
void Scheduler::plan_pages() {
  for (Sequence* sequence : std::vector(running_)) {
    while (sequence->step_tokens > 0 && !sequence->timeline.reserve(sequence->step_tokens)) {
      CHECK(running_.size() > 1);  // one alone has all pages
      pause(**std::ranges::min_element(running_, pauses_before));
    }
  }
}

// From now on a step that nobody waits for any longer stops.
void Scheduler::watch_cancelled() {
  const std::lock_guard lock(mutex_);
  awaited_.clear();
  for (const Sequence* sequence : planned_) awaited_.push_back(sequence->id);
  for (const SequenceId id : cancelled_) std::erase(awaited_, id);
  stop_ = awaited_.empty();
}

// Whether what was planned is computed: not if all of it was cancelled.
bool Scheduler::compute() {
  watch_cancelled();
  std::vector<SequenceStep> steps;
  for (const Sequence* sequence : planned_) steps.push_back(sequence->timeline.step(sequence->step_tokens));
  if (const Status status = model_.forward(steps, logits_.data(), &stop_); !status) {
    for (Sequence* sequence : planned_) {
      sequence->timeline.drop();
      finish(*sequence, pass_error(status));
    }
    return true;
  }
  if (stop_) return false;
  std::vector<Sequence*> drawing;
  for (std::size_t i = 0; i < planned_.size(); ++i) {
    advance(*planned_[i]);
    if (steps[i].logits == Logits::kLast) drawing.push_back(planned_[i]);
  }
  generate(drawing);
  return true;
}

// Its tokens of this step are computed.
void Scheduler::advance(Sequence& sequence) {
  SharedTimeline& timeline = sequence.timeline;
  const std::int64_t before = timeline.computed();
  timeline.advance(sequence.step_tokens);
  (before < timeline.prompt_tokens() ? counts_.prompt_tokens : counts_.generated_tokens) +=
      sequence.step_tokens;
  counts_.repeated_tokens +=
      std::clamp<std::int64_t>(sequence.furthest_tokens - before, 0, sequence.step_tokens);
  if (sequence.state != SequenceState::kReading) return;
  const bool is_first = sequence.result.sampled_tokens == 0;
  // What is read again after a pause is no news.
  if (is_first && timeline.computed() > sequence.furthest_tokens) {
    sequence.client->reading(timeline.computed(), timeline.prompt_tokens(), sequence.result.cached_tokens);
  }
  if (timeline.missing() > 0) return;
  sequence.state = SequenceState::kGenerating;
  timeline.show_end();
  if (!is_first) return;
  sequence.read_at = options_.clock();
  sequence.result.reading_seconds = sequence.read_at - sequence.begun_at;
}

// Draws the next token of each of them, whose logits lie one after another, and hands it over. Drawing takes
// time where vocabularies are large, so the model's threads share it.
void Scheduler::generate(std::span<Sequence* const> drawing) {
  std::vector<DrawWishes> wishes;
  for (const Sequence* sequence : drawing) wishes.push_back(DrawWishes::of(*sequence->client));
  std::vector<DrawnToken> drawn(drawing.size());
  const auto draw_one = [&](std::int64_t i, int) {
    const auto at = static_cast<std::size_t>(i);
    float* logits = logits_.data() + i * model_.shape().vocabulary;
    drawn[at] = draw({logits, static_cast<std::size_t>(vocabulary_)}, drawing[at]->sampler, wishes[at]);
  };
  if (options_.threads != nullptr) {
    options_.threads->run(std::ssize(drawing), draw_one);
  } else {
    for (std::int64_t i = 0; i < std::ssize(drawing); ++i) draw_one(i, 0);
  }
  for (std::size_t i = 0; i < drawing.size(); ++i) hand_over(*drawing[i], drawn[i]);
}

void Scheduler::hand_over(Sequence& sequence, const DrawnToken& drawn) {
  const ReplyRoom room{sequence.max_tokens, options_.context - sequence.timeline.length()};
  const Result<std::span<const TokenId>> feed =
      aloud::hand_over(drawn, sequence.sampler, *sequence.client, room, sequence.result);
  if (!feed) return finish(sequence, pass_error(feed));
  sequence.result.seconds = options_.clock() - sequence.read_at;
  if (sequence.result.sampled_tokens == 1) sequence.result.first_token_seconds = sequence.result.seconds;
  if (feed->empty()) return finish(sequence, sequence.result);
  sequence.timeline.append(*feed);
}

void Scheduler::finish(Sequence& sequence, Result<Generation> result) {
  sequence.timeline.leave();
  if (sequence.state == SequenceState::kWaiting) {
    waiting_.remove(sequence);
  } else {
    std::erase(running_, &sequence);
    --sequence.owner->running;
  }
  leave_queue(sequence);
  if (!result) {
    ++counts_.failed;
  } else if (result->finish == FinishReason::kCancelled) {
    ++counts_.cancelled;
  } else {
    ++counts_.finished;
    constexpr double kNewest = 0.2;
    const double seconds = options_.clock() - sequence.begun_at;
    running_seconds_ = running_seconds_ == 0 ? seconds : std::lerp(running_seconds_, seconds, kNewest);
  }
  const auto owned = sequences_.extract(sequence.id);  // lives until the client has heard
  sequence.client->finished(std::move(result));
}

// What passes until the next one begins, while the queue is not empty; as long as none has finished, they are
// taken to run twice as long as they have.
double Scheduler::seconds_per_place() const {
  double seconds = running_seconds_;
  if (seconds == 0) {
    for (const Sequence* sequence : running_)
      seconds = std::max(seconds, 2 * (options_.clock() - sequence->begun_at));
  }
  return seconds / static_cast<double>(std::max<std::int64_t>(1, std::ssize(running_)));
}

void Scheduler::tell_stats() {
  SchedulerStats now = counts_;
  now.waiting = waiting_.size();
  now.generating = std::ranges::count(running_, SequenceState::kGenerating, &Sequence::state);
  now.reading = std::ssize(running_) - now.generating;
  now.pages_total = pool_.max_pages();
  now.pages_used = pool_.used_pages();
  now.pages_idle = tree_.idle_pages();
  const std::lock_guard lock(mutex_);
  now.refused = stats_.refused;
  stats_ = now;
  seconds_per_place_ = seconds_per_place();
}

}  // namespace aloud
