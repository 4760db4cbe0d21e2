// /v1/responses: OpenAI's Responses API. What is stored belongs to the server and goes on without its client.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <utility>

#include "api/reply_group.h"
#include "api/response_events.h"
#include "api/response_request.h"
#include "api/response_store.h"
#include "api/routes.h"
#include "api/services.h"
#include "http/event_stream.h"

namespace aloud {
namespace {

// Of an input, in one page.
constexpr std::int64_t kMostItems = 100;

bool is_final(const ResponseEvent& event) {
  return event.type == "response.completed" || event.type == "response.incomplete" ||
         event.type == "response.failed";
}

// Tells one client; on the delivery thread, and at the end on that of the background.
class Client {
 public:
  virtual ~Client() = default;
  virtual void tell(const ResponseEvent& event) = 0;
};

// Nobody waits.
class NoClient : public Client {
  void tell(const ResponseEvent&) override {}
};

// Waits for the whole response.
class AnswerClient : public Client {
 public:
  explicit AnswerClient(ApiCall call) : call_(std::move(call)) {}
  void tell(const ResponseEvent& event) override {
    if (is_final(event)) call_.send(event.data["response"]);
  }

 private:
  const ApiCall call_;
};

// Hears the events with numbers > after.
class StreamClient : public Client {
 public:
  StreamClient(const ApiCall& call, std::int64_t after) : stream_(call.reply), after_(after) {}
  void tell(const ResponseEvent& event) override {
    if (is_gone_) return;
    if (event.sequence > after_) {
      const std::string data = to_text(event.data), id = std::to_string(event.sequence);
      is_gone_ = !stream_.send({.data = data, .event = event.type, .id = id});
    }
    if (is_final(event)) stream_.finish();
  }

 private:
  EventStream stream_;
  const std::int64_t after_;
  std::atomic<bool> is_gone_ = false;
};

std::shared_ptr<Client> client_of(const ApiCall& call, bool stream, std::int64_t after = -1) {
  if (stream) return std::make_shared<StreamClient>(call, after);
  return std::make_shared<AnswerClient>(call);
}

// Tells a client what a reply says. The end is told after what the store had to do before (see
// ServedResponse).
void attach(const ApiCall& call, const std::shared_ptr<RunningReply>& reply, Json head,
            std::shared_ptr<Client> client) {
  auto events = std::make_shared<ResponseEvents>(std::move(head));
  for (const ResponseEvent& event : events->begin()) client->tell(event);
  const auto tell_end = [client, who = reply->identity(),
                         &keeper = call.services.keeper](ResponseEvent event) {
    if (keeper.is_unsaved(who.owner, who.id)) event.data["response"]["saved"] = false;
    client->tell(event);
  };
  const auto listener = reply->listen(0, [events, client, tell_end, &background = call.services.background](
                                             std::int64_t, const ReplyEvent& heard) {
    for (ResponseEvent& event : events->hear(heard)) {
      if (!is_final(event)) {
        client->tell(event);
      } else {
        background.post([tell_end, event = std::move(event)] { tell_end(event); });
      }
    }
  });
  call.reply->on_gone([weak = std::weak_ptr(reply), listener] {
    if (const auto running = weak.lock()) running->leave(listener);
  });
}

// A response that was asked for here, until its end: the first to hear its reply.
class ServedResponse : public std::enable_shared_from_this<ServedResponse> {
 public:
  ServedResponse(const ApiCall& call, ResponseRequest request)
      : call_(call),
        request_(std::move(request)),
        record_(call.services.store, call.caller.owner, request_, call.services.response_retention) {}

  void start() {
    auto admitted = call_.services.access.admit(call_.caller);
    if (!admitted) return refuse_it(admitted.error());
    ReplyRequest reply = request_.reply;
    reply.keep = request_.store;
    call_.services.replies.start(std::move(reply), [self = shared_from_this()](auto started) {
      if (!started) return self->refuse_it(started.error());
      self->begin(*started);
    });
  }

 private:
  void refuse_it(const RequestError& error) {
    call_.services.metrics.count_error(request_.reply.model, error.kind);
    call_.send(error);
  }

  Json head_of(const RunningReply::Identity& identity) const {
    Json head = {
        {"id", identity.id},       {"object", "response"},    {"created_at", identity.created_seconds},
        {"status", "in_progress"}, {"model", identity.model}, {"output", Json::array()}};
    head.update(request_.echo);
    return head;
  }

  // What is told has been stored.
  void begin(const std::shared_ptr<RunningReply>& reply) {
    model_ = reply->identity().model;
    Json head = head_of(reply->identity());
    if (request_.store) {
      if (auto stored = store_begin(head); !stored) {
        reply->cancel();
        return call_.send(from_store(stored.error()));
      }
    } else {
      call_.reply->on_gone([weak = std::weak_ptr(reply)] {
        if (const auto running = weak.lock()) running->cancel();
      });
    }
    events_.emplace(std::move(head));
    const bool is_left_alone = request_.background && !request_.stream;
    client_ = is_left_alone ? std::make_shared<NoClient>() : client_of(call_, request_.stream);
    for (const ResponseEvent& event : events_->begin()) {
      client_->tell(event);
      if (is_left_alone) call_.send(event.data["response"]);
    }
    reply->listen(0,
                  [self = shared_from_this()](std::int64_t, const ReplyEvent& event) { self->hear(event); });
  }

  StoreStatus store_begin(Json& head) {
    TRY(call_.services.keeper.check_room());
    auto stored = record_.begin(head);
    if (stored) return {};
    // The question may be there; the reply will not come.
    ResponseEvents failed(head);
    const ResponseEvent last = failed.hear(FinishedEvent{tl::unexpected(from_store(stored.error()))}).back();
    call_.services.keeper.end(record_.end(last.data["response"], last.sequence + 1),
                              [](const StoreStatus&) {});
    return stored;
  }

  void hear(const ReplyEvent& heard) {
    if (record_.is_in_conversation()) grow(heard);
    if (const auto* const end = std::get_if<FinishedEvent>(&heard); end != nullptr && end->outcome) {
      count_reply(call_.services, call_.caller, model_, *end->outcome);
    } else if (end != nullptr) {
      call_.services.metrics.count_error(model_, end->outcome.error().kind);
    }
    for (ResponseEvent& event : events_->hear(heard)) {
      if (!is_final(event)) {
        client_->tell(event);
      } else {
        call_.services.background.post(
            [self = shared_from_this(), event = std::move(event)] { self->end(event); });
      }
    }
  }

  void grow(const ReplyEvent& heard) {
    const auto* const event = std::get_if<Event>(&heard);
    if (event == nullptr) return;
    ReplyPart part{
        .owner = call_.caller.owner, .conversation = record_.conversation(), .message = request_.reply.id};
    if (const auto* const thought = std::get_if<ThoughtEvent>(event)) part.thought = thought->text;
    if (const auto* const answer = std::get_if<AnswerEvent>(event)) part.content = answer->text;
    if (!part.thought.empty() || !part.content.empty()) call_.services.keeper.grow(part);
  }

  // Whoever hears of the end finds it in the store, unless the store refuses it for long.
  void end(const ResponseEvent& event) {
    if (!request_.store) return client_->tell(event);
    call_.services.keeper.end(
        record_.end(event.data["response"], event.sequence + 1),
        [self = shared_from_this(), event](const StoreStatus& stored) { self->tell_end(event, stored); });
  }

  void tell_end(const ResponseEvent& event, const StoreStatus& stored) {
    if (stored) return client_->tell(event);
    Json response = event.data["response"];
    response["status"] = "failed";
    response["error"] = {{"code", "not_stored"}, {"message", stored.error().message}};
    response["saved"] = false;
    client_->tell(final_event(std::move(response), event.sequence));
  }

  const ApiCall call_;
  const ResponseRequest request_;
  ResponseRecord record_;
  std::string model_;
  std::optional<ResponseEvents> events_;
  std::shared_ptr<Client> client_;
};

// The caller's stored response of the route. Answers the error itself.
std::optional<StoredResponse> find_response(const ApiCall& call) {
  auto stored = call.services.keeper.response(call.caller.owner, call.request->parameters.front());
  if (stored) return *std::move(stored);
  call.send(from_store(stored.error()));
  return {};
}

// nullptr: it ended and is no longer in memory.
std::shared_ptr<RunningReply> find_reply(const ApiCall& call) {
  return call.services.replies.find(call.request->parameters.front(), call.caller.owner);
}

// The last event that a client that comes back has seen; -1: none.
RequestResult<std::int64_t> last_seen(const HttpRequest& request) {
  const std::string text = request.query("starting_after").value_or(std::string(last_event_id(request)));
  if (text.empty()) return -1;
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && number >= 0) return number;
  return tl::unexpected(RequestError{
      RequestErrorKind::kInvalid, "starting_after: is not the number of an event", "starting_after", {}, 0});
}

// Which items of an input are asked for.
struct ItemPage {
  std::int64_t limit = 20;
  std::string after;  // the item before the first; empty: from the beginning
  bool is_newest_first = true;
};

RequestError bad_query(const char* name, std::string_view what) {
  return {RequestErrorKind::kInvalid, fmt::format("{}: {}", name, what), name, {}, 0};
}

RequestResult<ItemPage> read_page(const HttpRequest& request) {
  ItemPage page;
  page.after = request.query("after").value_or("");
  const std::string order = request.query("order").value_or("desc");
  page.is_newest_first = order == "desc";
  if (order != "desc" && order != "asc") {
    return tl::unexpected(bad_query("order", "is neither asc nor desc"));
  }
  if (const auto limit = request.query("limit")) {
    const auto parsed = std::from_chars(limit->data(), limit->data() + limit->size(), page.limit);
    const bool is_number = parsed.ec == std::errc() && parsed.ptr == limit->data() + limit->size();
    if (!is_number || page.limit < 1 || page.limit > kMostItems) {
      return tl::unexpected(bad_query("limit", fmt::format("is not within 1 to {}", kMostItems)));
    }
  }
  return page;
}

void stream_again(const ApiCall& call, const StoredResponse& stored) {
  const auto after = last_seen(*call.request);
  if (!after) return call.send(after.error());
  auto client = client_of(call, true, *after);
  if (const auto reply = find_reply(call)) {
    return attach(call, reply, stored.body["response"], std::move(client));
  }
  const std::int64_t last = stored.body.value("next_sequence", std::int64_t{0}) - 1;
  client->tell(final_event(settled_response(call.services.store, call.caller.owner, stored),
                           std::max(last, *after + 1)));
}

}  // namespace

void answer_create_response(const ApiCall& call) {
  auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  auto request = read_response_request(*json, call.grammars());
  if (!request) return call.send(request.error());
  auto context = read_context(call.services.store, call.services.keeper, call.caller.owner, *request);
  if (!context) return call.send(context.error());
  ReplyRequest& reply = request->reply;
  reply.id = random_id("resp_");
  reply.owner = call.caller.owner;
  reply.prompt = std::move(*context);
  if (!reply.sampling.seed) reply.sampling.seed = random_seed();
  std::make_shared<ServedResponse>(call, std::move(*request))->start();
}

void answer_response(const ApiCall& call) {
  const auto stored = find_response(call);
  if (!stored) return;
  if (call.request->query("stream") == "true") return stream_again(call, *stored);
  const auto reply = stored->status == ReplyStatus::kRunning ? find_reply(call) : nullptr;
  if (!reply) return call.send(settled_response(call.services.store, call.caller.owner, *stored));
  reply->read([call, head = stored->body["response"]](std::span<const ReplyEvent> heard) {
    ResponseEvents events(head);
    for (const ReplyEvent& event : heard) events.hear(event);
    call.send(events.snapshot());
  });
}

void answer_delete_response(const ApiCall& call) {
  if (const auto reply = find_reply(call)) reply->cancel();
  // In order with what the end of a reply stores, so that it stays deleted.
  call.services.background.post([call] {
    const std::string& id = call.request->parameters.front();
    if (auto deleted = call.services.store.delete_response(call.caller.owner, id); !deleted) {
      return call.send(from_store(deleted.error()));
    }
    call.send({{"id", id}, {"object", "response.deleted"}, {"deleted", true}});
  });
}

void answer_cancel_response(const ApiCall& call) {
  const auto stored = find_response(call);
  if (!stored) return;
  const auto reply = stored->status == ReplyStatus::kRunning ? find_reply(call) : nullptr;
  if (!reply) return call.send(settled_response(call.services.store, call.caller.owner, *stored));
  reply->cancel();
  attach(call, reply, stored->body["response"], client_of(call, false));
}

void answer_response_input(const ApiCall& call) {
  const auto stored = find_response(call);
  if (!stored) return;
  auto page = read_page(*call.request);
  if (!page) return call.send(page.error());
  Json all = stored->body["input"];
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].contains("id")) all[i]["id"] = fmt::format("item_{}", i);
  }
  if (page->is_newest_first) std::ranges::reverse(all);
  auto begin = all.begin();
  if (!page->after.empty()) {
    begin = std::ranges::find_if(all, [&](const Json& item) { return item["id"] == page->after; });
    if (begin == all.end()) return call.send(bad_query("after", "there is no such item"));
    ++begin;
  }
  const auto end = begin + std::min<std::ptrdiff_t>(page->limit, all.end() - begin);
  Json items = Json::array();
  for (auto at = begin; at != end; ++at) items.push_back(*at);
  Json list = {{"object", "list"}, {"data", items}, {"has_more", end != all.end()}};
  list["first_id"] = items.empty() ? Json(nullptr) : items.front()["id"];
  list["last_id"] = items.empty() ? Json(nullptr) : items.back()["id"];
  call.send(list);
}

}  // namespace aloud
