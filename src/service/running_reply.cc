// The log belongs to the delivery thread; only control is shared.
#include "service/running_reply.h"

#include <utility>

namespace aloud {

void RunningReply::publish(ReplyEvent event) {
  delivery_.post(
      [self = shared_from_this(), event = std::move(event)]() mutable { self->deliver(std::move(event)); });
}

void RunningReply::deliver(ReplyEvent event) {
  if (finished_) return;
  ++count_;
  say_if_interrupted(event);
  finished_ = std::holds_alternative<FinishedEvent>(event);
  for (const Hearing& hearing : listeners_) {
    if (count_ > hearing.after) hearing.listener(count_, event);
  }
  if (keep_ || !heard_) log_.push_back(std::move(event));
  if (!finished_) return;
  listeners_.clear();
  set_control(nullptr);
  if (on_finish_) std::exchange(on_finish_, nullptr)();
}

// What ended by itself in the last moment stays as it is.
void RunningReply::say_if_interrupted(ReplyEvent& event) {
  auto* const end = std::get_if<FinishedEvent>(&event);
  if (end == nullptr || !end->outcome || end->outcome->finish != ReplyFinish::kCancelled) return;
  const std::lock_guard lock(mutex_);
  if (!interrupted_) return;
  end->outcome = tl::unexpected(RequestError{
      RequestErrorKind::kCapacity, "the server ended while it wrote this", {}, kInterruptedCode, 0});
}

void RunningReply::replay(std::int64_t after, const Listener& listener) {
  std::int64_t number = count_ - std::ssize(log_);
  for (const ReplyEvent& event : log_) {
    if (++number > after) listener(number, event);
  }
  heard_ = true;
  if (!keep_) log_ = {};
}

RunningReply::ListenerId RunningReply::listen(std::int64_t after, Listener listener) {
  const ListenerId id = next_listener_++;
  delivery_.post([self = shared_from_this(), id, after, listener = std::move(listener)]() mutable {
    self->replay(after, listener);
    if (!self->finished_) self->listeners_.push_back({id, after, std::move(listener)});
  });
  return id;
}

void RunningReply::leave(ListenerId listener) {
  delivery_.post([self = shared_from_this(), listener] {
    std::erase_if(self->listeners_, [&](const Hearing& hearing) { return hearing.id == listener; });
  });
}

void RunningReply::read(std::function<void(std::span<const ReplyEvent>)> reader) {
  delivery_.post([self = shared_from_this(), reader = std::move(reader)] { reader(self->log_); });
}

void RunningReply::set_control(std::shared_ptr<ReplyControl> control) {
  std::shared_ptr<ReplyControl> old;  // let go of without the lock
  bool cancel = false, end_thinking = false;
  {
    const std::lock_guard lock(mutex_);
    old = std::exchange(control_, control);
    cancel = cancelled_;
    end_thinking = thinking_ended_;
  }
  if (control && end_thinking) control->end_thinking();
  if (control && cancel) control->cancel();
}

void RunningReply::cancel() {
  std::shared_ptr<ReplyControl> control;
  {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
    control = control_;
  }
  if (control) control->cancel();
}

void RunningReply::interrupt() {
  {
    const std::lock_guard lock(mutex_);
    interrupted_ = !cancelled_;
  }
  cancel();
}

void RunningReply::end_thinking() {
  std::shared_ptr<ReplyControl> control;
  {
    const std::lock_guard lock(mutex_);
    thinking_ended_ = true;
    control = control_;
  }
  if (control) control->end_thinking();
}

}  // namespace aloud
