// Starts samples one after another, so that the second finds the first one's prompt.
#include "api/reply_group.h"

#include <utility>

#include "api/services.h"

namespace aloud {
namespace {

std::string sample_id(const std::string& id, std::size_t sample) {
  return sample == 0 ? id : fmt::format("{}.{}", id, sample);
}

}  // namespace

void count_reply(ApiServices& services, const Caller& caller, std::string_view model, const Reply& reply) {
  services.metrics.count_reply(model, reply);
  const Usage used{.requests = 1,
                   .prompt_tokens = reply.usage.prompt_tokens,
                   .cached_tokens = reply.usage.kept_tokens,
                   .completion_tokens = reply.usage.completion_tokens,
                   .reasoning_tokens = reply.usage.reasoning_tokens};
  services.background.post([&access = services.access, caller, used] { access.add_usage(caller, used); });
}

void ReplyGroup::start(const ApiCall& call, ReplyRequest request, std::int64_t samples,
                       std::unique_ptr<ReplyListener> listener) {
  if (auto admitted = call.services.access.admit(call.caller); !admitted) {
    call.services.metrics.count_error(request.model, admitted.error().kind);
    return listener->failed(admitted.error());
  }
  const std::shared_ptr<ReplyGroup> group(new ReplyGroup(call, std::move(listener)));
  request.owner = call.caller.owner;
  if (!request.sampling.seed) request.sampling.seed = random_seed();
  // The reply must not keep alive what holds the reply.
  call.reply->on_gone([weak = std::weak_ptr(group)] {
    if (const auto self = weak.lock()) self->cancel();
  });
  group->start_next(std::make_shared<const ReplyRequest>(std::move(request)), samples);
}

void ReplyGroup::start_next(std::shared_ptr<const ReplyRequest> request, std::int64_t samples) {
  std::size_t sample;
  {
    const std::lock_guard lock(mutex_);
    sample = running_.size();
  }
  if (static_cast<std::int64_t>(sample) == samples) return listen(request->id);
  ReplyRequest next = *request;
  next.id = sample_id(request->id, sample);
  *next.sampling.seed += sample;
  services_.replies.start(std::move(next), [self = shared_from_this(), request, samples](auto started) {
    if (!started) {
      self->cancel();
      return self->fail(started.error());
    }
    bool gone;
    {
      const std::lock_guard lock(self->mutex_);
      self->running_.push_back(std::move(*started));
      gone = self->gone_;
    }
    if (gone) return self->cancel();
    self->start_next(request, samples);
  });
}

void ReplyGroup::listen(const std::string& id) {
  std::vector<std::shared_ptr<RunningReply>> running;
  {
    const std::lock_guard lock(mutex_);
    running = running_;
  }
  replies_.resize(running.size());
  RunningReply::Identity identity = running.front()->identity();
  identity.id = id;
  model_ = identity.model;
  listener_->started(identity, running.size());
  for (std::size_t i = 0; i < running.size(); ++i) {
    running[i]->listen(
        0, [self = shared_from_this(), i](std::int64_t, const ReplyEvent& event) { self->hear(i, event); });
  }
}

void ReplyGroup::hear(std::size_t sample, const ReplyEvent& event) {
  if (failed_) return;
  const auto* const end = std::get_if<FinishedEvent>(&event);
  if (end == nullptr) return listener_->event(sample, event);
  if (!end->outcome) {
    cancel();
    return fail(end->outcome.error());
  }
  replies_[sample] = *end->outcome;
  count_reply(services_, caller_, model_, replies_[sample]);
  listener_->sample_finished(sample, replies_[sample]);
  if (++finished_ == replies_.size()) listener_->finished(replies_);
}

void ReplyGroup::fail(const RequestError& error) {
  services_.metrics.count_error(model_, error.kind);
  failed_ = true;
  listener_->failed(error);
}

void ReplyGroup::cancel() {
  std::vector<std::shared_ptr<RunningReply>> running;
  {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    running = running_;
  }
  for (const auto& reply : running) reply->cancel();
}

std::vector<std::shared_ptr<RunningReply>> ReplyGroup::find(const ApiCall& call, const std::string& id) {
  std::vector<std::shared_ptr<RunningReply>> found;
  for (std::size_t i = 0;; ++i) {
    auto reply = call.services.replies.find(sample_id(id, i), call.caller.owner);
    if (!reply) return found;
    found.push_back(std::move(reply));
  }
}

}  // namespace aloud
