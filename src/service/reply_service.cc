// Starts replies: prepares the prompt, hands it to the scheduler and turns what comes into events.
#include "service/reply_service.h"

#include <chrono>
#include <optional>
#include <utility>

#include "base/clock.h"

namespace aloud {
namespace {

RequestError invalid(const Error& error, std::string param = {}) {
  return {RequestErrorKind::kInvalid, error.message, std::move(param), {}, 0};
}

RequestError shutting_down(double retry_seconds) {
  return {RequestErrorKind::kCapacity, "the server is shutting down", {}, "stopping", retry_seconds};
}

RequestError from_refusal(const Refusal& refusal) {
  RequestError error{.kind = RequestErrorKind::kInvalid, .message = refusal.message};
  switch (refusal.kind) {
    case Refusal::Kind::kDoesNotFit:
      error.param = "messages";
      error.code = "context_length_exceeded";
      break;
    case Refusal::Kind::kOwnerQueueFull:
      error.kind = RequestErrorKind::kQuota;
      error.code = "too_many_waiting";
      error.retry_after_seconds = refusal.retry_after_seconds;
      break;
    case Refusal::Kind::kQueueFull:
    case Refusal::Kind::kStopping:
      error.kind = RequestErrorKind::kCapacity;
      error.code = refusal.kind == Refusal::Kind::kQueueFull ? "queue_full" : "stopping";
      error.retry_after_seconds = refusal.retry_after_seconds;
      break;
    case Refusal::Kind::kInvalid:
      break;
  }
  return error;
}

// What the scheduler tells of one sequence, as events of its reply. Engine thread.
class Client : public SequenceClient {
 public:
  Client(std::shared_ptr<RunningReply> reply, std::shared_ptr<ReplyWriter> writer)
      : reply_(std::move(reply)), writer_(std::move(writer)) {}

  std::span<const TokenId> forbidden() const override { return writer_->forbidden(); }
  const TokenMask* allowed() const override { return writer_->allowed(); }
  std::optional<int> top_logprobs() const override { return writer_->top_logprobs(); }

  Next take(const SampledToken& sampled) override { return writer_->take(sampled); }

  void waiting(std::int64_t position, double seconds) override {
    reply_->publish(WaitingEvent{position, seconds});
  }
  void reading(std::int64_t done, std::int64_t total, std::int64_t) override {
    reply_->publish(PrefillEvent{done, total});
  }

  void finished(Result<Generation> generation) override {
    if (!generation) {
      reply_->publish(FinishedEvent{refuse(RequestErrorKind::kInternal, "{}", generation.error().message)});
      return;
    }
    Reply result = writer_->finish(*generation);
    result.usage.kept_tokens = generation->cached_tokens;
    add_timings(*generation, result);
    reply_->publish(FinishedEvent{std::move(result)});
  }

 private:
  // Of waiting and reading, which the writer does not know of.
  static void add_timings(const Generation& generation, Reply& result) {
    if (generation.sampled_tokens == 0) return;
    const double reading = generation.reading_seconds;
    const std::int64_t read_tokens = result.usage.prompt_tokens - generation.cached_tokens;
    if (reading > 0) result.timings.prefill_tokens_per_second = static_cast<double>(read_tokens) / reading;
    result.timings.time_to_first_token_ms =
        1000 * (generation.waiting_seconds + reading + generation.first_token_seconds);
  }

  const std::shared_ptr<RunningReply> reply_;
  const std::shared_ptr<ReplyWriter> writer_;
};

// Keeps the model in memory as long as the reply runs.
class Control : public ReplyControl {
 public:
  Control(std::shared_ptr<ServedModel> model, SequenceId sequence, std::shared_ptr<ReplyWriter> writer)
      : model_(std::move(model)), sequence_(sequence), writer_(std::move(writer)) {}

  void cancel() override { model_->scheduler().cancel(sequence_); }
  void end_thinking() override { writer_->end_thinking(); }

 private:
  const std::shared_ptr<ServedModel> model_;
  const SequenceId sequence_;
  const std::shared_ptr<ReplyWriter> writer_;
};

// The operator's words come before the client's own system message, if there is one.
void add_system_prompt(const std::string& system_prompt, std::vector<Message>& messages) {
  if (system_prompt.empty()) return;
  if (!messages.empty() && messages.front().role == Role::kSystem) {
    messages.front().content = system_prompt + "\n\n" + messages.front().content;
  } else {
    messages.insert(messages.begin(), {.role = Role::kSystem, .content = system_prompt});
  }
}

RequestResult<PreparedReply> prepare(ReplyRequest& request, ServedModel& model, EventSink sink) {
  const Tokenizer& tokenizer = model.tokenizer();
  auto sampling = choose_sampling(request.sampling, model.loaded().sampling(), tokenizer.size());
  if (!sampling) return tl::unexpected(invalid(sampling.error()));
  request.options.sampling = std::move(*sampling);
  const std::int64_t context = model.loaded().context();
  if (const auto* const raw = std::get_if<RawPrompt>(&request.prompt)) {
    auto prepared =
        prepare_text(*raw, request.options, tokenizer, &model.grammar_vocabulary(), context, sink);
    if (!prepared) return tl::unexpected(invalid(prepared.error(), "prompt"));
    return std::move(*prepared);
  }
  auto& messages = std::get<std::vector<Message>>(request.prompt);
  add_system_prompt(model.system_prompt(), messages);
  auto prepared = prepare_reply(messages, request.options, model.chat_template(), tokenizer,
                                &model.grammar_vocabulary(), context, sink);
  if (!prepared) return tl::unexpected(invalid(prepared.error(), "messages"));
  return std::move(*prepared);
}

}  // namespace

ReplyService::~ReplyService() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return starting_ == 0; });
  interrupt_all(lock);
  changed_.wait(lock, [this] { return started_ == finished_; });
}

std::size_t ReplyService::drain(double seconds) {
  using Seconds = std::chrono::duration<double>;
  std::unique_lock lock(mutex_);
  phase_ = Phase::kDraining;
  changed_.wait_for(lock, Seconds(seconds), [this] { return is_idle(); });
  // What still waits for its model is refused when that is there.
  phase_ = Phase::kEnding;
  const std::size_t interrupted = interrupt_all(lock);
  changed_.wait_for(lock, Seconds(kInterruptSeconds), [this] { return started_ == finished_; });
  return interrupted;
}

std::size_t ReplyService::interrupt_all(std::unique_lock<std::mutex>& lock) {
  std::vector<std::shared_ptr<RunningReply>> running;
  for (const auto& [id, entry] : replies_) {
    if (entry.finished_seconds == 0) running.push_back(entry.reply);
  }
  lock.unlock();
  for (const auto& reply : running) reply->interrupt();
  lock.lock();
  return running.size();
}

void ReplyService::start(ReplyRequest request, Started then) {
  bool is_open;
  {
    const std::lock_guard lock(mutex_);
    is_open = phase_ == Phase::kOpen;
    if (is_open) ++starting_;
  }
  if (!is_open) return then(tl::unexpected(shutting_down(kRetrySeconds)));
  const std::string name = request.model;
  auto shared = std::make_shared<ReplyRequest>(std::move(request));
  models_.use(
      name, [this, shared, then = std::move(then)](RequestResult<std::shared_ptr<ServedModel>> model) {
        auto begun = model ? begin(std::move(*shared), *model)
                           : RequestResult<std::shared_ptr<RunningReply>>(tl::unexpected(model.error()));
        then(std::move(begun));
        const std::lock_guard lock(mutex_);
        --starting_;
        changed_.notify_all();
      });
}

void ReplyService::count_prompt(ReplyRequest request, std::function<void(RequestResult<std::size_t>)> then) {
  const std::string name = request.model;
  models_.use(name, [request = std::move(request),
                     then = std::move(then)](RequestResult<std::shared_ptr<ServedModel>> model) mutable {
    if (!model) return then(tl::unexpected(std::move(model.error())));
    then(prepare(request, **model, {}).map([](const PreparedReply& prepared) {
      return prepared.prompt.size();
    }));
  });
}

RequestResult<std::shared_ptr<RunningReply>> ReplyService::begin(ReplyRequest request,
                                                                 const std::shared_ptr<ServedModel>& model) {
  auto reply = std::make_shared<RunningReply>(
      RunningReply::Identity{request.id, request.owner, model->name(), unix_milliseconds() / 1000},
      request.keep, delivery_);
  // The writer outlives this function in the client only, and the reply must not hold itself.
  auto prepared = prepare(request, *model, [weak = std::weak_ptr(reply)](const Event& event) {
    if (const auto running = weak.lock()) running->publish(event);
  });
  if (!prepared) return tl::unexpected(std::move(prepared.error()));
  std::shared_ptr<ReplyWriter> writer = std::move(prepared->writer);

  SequenceRequest sequence{.prompt = std::move(prepared->prompt),
                           .sampling = request.options.sampling,
                           .max_tokens = prepared->max_tokens,
                           .owner = request.owner,
                           .priority = request.priority};
  sequence.public_tokens = model->public_tokens(sequence.prompt);
  {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::kEnding) return tl::unexpected(shutting_down(kRetrySeconds));
    forget_old();
    replies_[request.id] = {reply, request.keep};
    ++started_;
  }
  reply->on_finish([this, id = request.id] { finished(id); });
  auto submitted = model->scheduler().submit(std::move(sequence), std::make_unique<Client>(reply, writer));
  if (!submitted) {
    const std::lock_guard lock(mutex_);
    replies_.erase(request.id);
    --started_;
    return tl::unexpected(from_refusal(submitted.error()));
  }
  reply->set_control(std::make_shared<Control>(model, *submitted, std::move(writer)));
  return reply;
}

void ReplyService::finished(const std::string& id) {
  const std::lock_guard lock(mutex_);
  ++finished_;
  changed_.notify_all();
  const auto entry = replies_.find(id);
  if (entry == replies_.end()) return;
  if (entry->second.keep) {
    entry->second.finished_seconds = steady_seconds();
  } else {
    replies_.erase(entry);
  }
}

void ReplyService::forget_old() {
  const double oldest = steady_seconds() - kKeepSeconds;
  std::erase_if(replies_, [&](const auto& entry) {
    return entry.second.finished_seconds > 0 && entry.second.finished_seconds < oldest;
  });
}

std::shared_ptr<RunningReply> ReplyService::find(const std::string& id, const std::string& owner) const {
  const std::lock_guard lock(mutex_);
  const auto entry = replies_.find(id);
  if (entry == replies_.end() || entry->second.reply->identity().owner != owner) return nullptr;
  return entry->second.reply;
}

}  // namespace aloud
