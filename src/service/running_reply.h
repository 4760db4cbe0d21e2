// A reply while it comes into being: owned by the server, heard by any number of clients, one after another
// or at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/task_queue.h"
#include "chat/event.h"
#include "chat/reply.h"
#include "service/request_error.h"

namespace aloud {

// The reply waits for its turn.
struct WaitingEvent {
  std::int64_t position = 0;  // 1 is next
  double seconds = 0;         // estimate
};

// The end; always the last event.
struct FinishedEvent {
  RequestResult<Reply> outcome;
};

using ReplyEvent = std::variant<WaitingEvent, Event, FinishedEvent>;

// What is done with a reply from outside, any thread.
class ReplyControl {
 public:
  virtual ~ReplyControl() = default;
  virtual void cancel() = 0;
  virtual void end_thinking() = 0;
};

// Any thread unless said. Events are numbered from 1 and told on the delivery thread, in order, to each
// listener from the place that it asked for.
class RunningReply : public std::enable_shared_from_this<RunningReply> {
 public:
  using Listener = std::function<void(std::int64_t number, const ReplyEvent& event)>;
  using ListenerId = std::uint64_t;

  struct Identity {
    std::string id;     // unique
    std::string owner;  // who alone may see it
    std::string model;
    std::int64_t created_seconds = 0;  // since 1970
  };

  // keep: events are kept for listeners that come later; else only until the first one comes. delivery must
  // outlive it.
  RunningReply(Identity identity, bool keep, TaskQueue& delivery)
      : identity_(std::move(identity)), keep_(keep), delivery_(delivery) {}

  const Identity& identity() const { return identity_; }

  // Called on the delivery thread after the FinishedEvent was told. Set before the first event.
  void on_finish(std::function<void()> callback) { on_finish_ = std::move(callback); }

  // The next event, from whoever makes the reply. Nothing follows a FinishedEvent.
  void publish(ReplyEvent event);
  // Hears events with numbers > after that are still there, and all that follow. It is let go of after the
  // FinishedEvent or after leave() with what this returns.
  ListenerId listen(std::int64_t after, Listener listener);
  // Nothing is told to it any more, but for what is being told right now.
  void leave(ListenerId listener);

  // Tells the events that are still there, once, on the delivery thread.
  void read(std::function<void(std::span<const ReplyEvent>)> reader);

  // control: what cancel() and end_thinking() reach, until the end; before it is set they are remembered.
  void set_control(std::shared_ptr<ReplyControl> control);
  void cancel();
  // The server ends: cancels, and tells a reply that was cut off so as an error with the code "interrupted".
  void interrupt();
  void end_thinking();

 private:
  // Delivery thread:
  void deliver(ReplyEvent event);
  void replay(std::int64_t after, const Listener& listener);
  void say_if_interrupted(ReplyEvent& event);

  const Identity identity_;
  const bool keep_;
  TaskQueue& delivery_;
  std::function<void()> on_finish_;

  // Delivery thread only.
  std::vector<ReplyEvent> log_;  // the last events
  std::int64_t count_ = 0;       // events so far
  bool finished_ = false;
  bool heard_ = false;  // there was a listener
  struct Hearing {
    ListenerId id = 0;
    std::int64_t after = 0;  // the number after which it hears
    Listener listener;
  };
  std::vector<Hearing> listeners_;

  std::atomic<ListenerId> next_listener_ = 1;
  std::mutex mutex_;
  std::shared_ptr<ReplyControl> control_;
  bool cancelled_ = false;
  bool interrupted_ = false;
  bool thinking_ended_ = false;
};

}  // namespace aloud
