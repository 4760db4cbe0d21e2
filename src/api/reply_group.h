// The replies to one request: n samples of the same prompt, heard as one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/route.h"
#include "service/reply_service.h"

namespace aloud {

// Turns what is heard into an answer. Calls never overlap; after started() they come from the delivery
// thread.
class ReplyListener {
 public:
  virtual ~ReplyListener() = default;
  // All samples were accepted; before any event. The identity of the first, with the request's id.
  virtual void started(const RunningReply::Identity& identity, std::size_t samples) = 0;
  virtual void event(std::size_t, const ReplyEvent&) {}
  virtual void sample_finished(std::size_t, const Reply&) {}
  // The last call, one of the two. failed() may come without started().
  virtual void finished(const std::vector<Reply>& replies) = 0;
  virtual void failed(const RequestError& error) = 0;
};

// Counts what a reply used: for the metrics, and for the caller's quota.
void count_reply(ApiServices& services, const Caller& caller, std::string_view model, const Reply& reply);

class ReplyGroup : public std::enable_shared_from_this<ReplyGroup> {
 public:
  // Starts `samples` replies, whose seeds follow one another, counts what they use and cancels them when the
  // client leaves.
  static void start(const ApiCall& call, ReplyRequest request, std::int64_t samples,
                    std::unique_ptr<ReplyListener> listener);
  // The samples of the caller's request that run.
  static std::vector<std::shared_ptr<RunningReply>> find(const ApiCall& call, const std::string& id);

 private:
  ReplyGroup(const ApiCall& call, std::unique_ptr<ReplyListener> listener)
      : services_(call.services), caller_(call.caller), listener_(std::move(listener)) {}

  void start_next(std::shared_ptr<const ReplyRequest> request, std::int64_t samples);
  void listen(const std::string& id);
  void hear(std::size_t sample, const ReplyEvent& event);
  void fail(const RequestError& error);
  void cancel();

  ApiServices& services_;
  const Caller caller_;
  const std::unique_ptr<ReplyListener> listener_;
  std::string model_;
  std::mutex mutex_;  // of running_ and gone_
  std::vector<std::shared_ptr<RunningReply>> running_;
  bool gone_ = false;  // the client
  std::vector<Reply> replies_;
  std::size_t finished_ = 0;
  bool failed_ = false;
};

}  // namespace aloud
