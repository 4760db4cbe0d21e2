// POST /v1/chat/completions: OpenAI's chat, at once or as a stream.
#include <algorithm>
#include <utility>

#include "api/openai_reply.h"
#include "api/openai_request.h"
#include "api/reply_group.h"
#include "api/services.h"
#include "http/event_stream.h"

namespace aloud {
namespace {

struct ChatCall {
  ReplyRequest request;
  AnswerForm form;
};

RequestResult<ChatCall> read_chat_call(const ApiCall& api_call) {
  auto json = parse_request(api_call.request->body);
  if (!json) return tl::unexpected(std::move(json.error()));
  JsonFields fields(*json);
  ChatCall call;
  call.request.model = fields.string("model").value_or("");
  call.request.prompt = read_messages(fields, "messages");
  call.request.sampling = read_sampling(fields);
  ReplyOptions& options = call.request.options;
  options.grammars = api_call.grammars();
  options.thinking = read_thinking(fields);
  options.max_tokens = read_max_tokens(fields);
  options.stops = read_stops(fields);
  options.detect_loops = fields.boolean("detect_loops").value_or(true);
  read_tools(fields, options);
  read_answer_format(fields, options);
  call.form = read_answer_form(fields);
  call.form.logprobs = fields.boolean("logprobs").value_or(false);
  const auto top = fields.integer("top_logprobs", 0, kMaxTopLogprobs);
  if (top && !call.form.logprobs) fields.set_error("top_logprobs", "needs \"logprobs\": true");
  if (call.form.logprobs) options.top_logprobs = static_cast<int>(top.value_or(0));
  if (fields.error()) return tl::unexpected(*fields.error());
  return call;
}

// Collects whole replies and tells them in one object.
class ChatAnswer : public ReplyListener {
 public:
  explicit ChatAnswer(ApiCall call) : call_(std::move(call)) {}

  void started(const RunningReply::Identity& identity, std::size_t samples) override {
    identity_ = identity;
    logprobs_.resize(samples);
  }
  void event(std::size_t sample, const ReplyEvent& event) override { add_logprobs(event, logprobs_[sample]); }
  void finished(const std::vector<Reply>& replies) override {
    Json choices = Json::array();
    for (std::size_t i = 0; i < replies.size(); ++i) {
      Json choice = {{"index", i}, {"message", openai_message(replies[i].message)}};
      choice["logprobs"] = logprobs_[i];
      add_finish(replies[i], choice);
      choices.push_back(std::move(choice));
    }
    Json body = openai_body(identity_, "chat.completion", std::move(choices));
    body["usage"] = openai_usage(replies);
    body["timings"] = timings_json(replies.front().timings);
    call_.send(body);
  }
  void failed(const RequestError& error) override { call_.send(error); }

 private:
  const ApiCall call_;
  RunningReply::Identity identity_;
  std::vector<Json> logprobs_;
};

// Tells events as they come.
class ChatStream : public ReplyListener {
 public:
  ChatStream(ApiCall call, AnswerForm form) : call_(std::move(call)), form_(form) {}

  void started(const RunningReply::Identity& identity, std::size_t samples) override {
    identity_ = identity;
    stream_.emplace(call_.reply);
    for (std::size_t i = 0; i < samples; ++i) {
      send_delta(i, {{"role", "assistant"}, {"content", ""}});
    }
  }

  void event(std::size_t sample, const ReplyEvent& event) override {
    if (const auto* const waiting = std::get_if<WaitingEvent>(&event)) {
      progress(waiting_text(*waiting),
               {{"phase", "waiting"}, {"position", waiting->position}, {"seconds", waiting->seconds}});
      return;
    }
    const auto* const inner = std::get_if<Event>(&event);
    if (inner == nullptr) return;
    if (const auto* const prefill = std::get_if<PrefillEvent>(inner)) {
      progress(fmt::format("reading: {} of {} tokens", prefill->done, prefill->total),
               {{"phase", "prefill"}, {"done", prefill->done}, {"total", prefill->total}});
      return;
    }
    Json choice = {{"index", sample}, {"delta", openai_delta(*inner)}};
    Json logprobs;
    add_logprobs(event, logprobs);
    choice["logprobs"] = std::move(logprobs);
    choice["finish_reason"] = nullptr;
    if (const auto* const end = std::get_if<ThoughtEndEvent>(inner))
      choice["thought_end"] = thought_end_json(*end);
    send_choice(std::move(choice));
  }

  void sample_finished(std::size_t sample, const Reply& reply) override {
    Json choice = {{"index", sample}, {"delta", Json::object()}, {"logprobs", nullptr}};
    add_finish(reply, choice);
    send_choice(std::move(choice));
  }

  void finished(const std::vector<Reply>& replies) override {
    if (form_.include_usage) {
      Json chunk = chunk_of(Json::array());
      chunk["usage"] = openai_usage(replies);
      chunk["timings"] = timings_json(replies.front().timings);
      send(chunk);
    }
    stream_->send({.data = "[DONE]"});
    stream_->finish();
  }

  void failed(const RequestError& error) override {
    if (!stream_) return call_.send(error);
    send(error_body(Dialect::kOpenAi, error));
    stream_->finish();
  }

 private:
  void progress(const std::string& comment, const Json& details) {
    stream_->comment(comment);
    if (!form_.include_progress) return;
    Json chunk = chunk_of(Json::array());
    chunk["progress"] = details;
    send(chunk);
  }
  void send_delta(std::size_t sample, Json delta) {
    send_choice(
        {{"index", sample}, {"delta", std::move(delta)}, {"logprobs", nullptr}, {"finish_reason", nullptr}});
  }
  void send_choice(Json choice) { send(chunk_of(Json::array({std::move(choice)}))); }
  Json chunk_of(Json choices) const {
    return openai_body(identity_, "chat.completion.chunk", std::move(choices));
  }
  void send(const Json& chunk) { stream_->send({.data = to_text(chunk)}); }

  const ApiCall call_;
  const AnswerForm form_;
  RunningReply::Identity identity_;
  std::optional<EventStream> stream_;
};

}  // namespace

void answer_openai_chat(const ApiCall& call) {
  auto read = read_chat_call(call);
  if (!read) return call.send(read.error());
  std::unique_ptr<ReplyListener> listener;
  if (read->form.stream) {
    listener = std::make_unique<ChatStream>(call, read->form);
  } else {
    listener = std::make_unique<ChatAnswer>(call);
  }
  read->request.id = random_id("chatcmpl-");
  ReplyGroup::start(call, std::move(read->request), read->form.samples, std::move(listener));
}

void answer_control(const ApiCall& call) {
  auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  if (!fields.has("action")) fields.set_error("action", "missing, expected a string");
  const auto action = fields.choice("action", {"end_thinking", "stop"});
  if (fields.error()) return call.send(*fields.error());
  const std::string& id = call.request->parameters.front();
  const auto replies = ReplyGroup::find(call, id);
  if (replies.empty()) {
    return call.send(
        RequestError{RequestErrorKind::kNotFound, fmt::format("no reply {:?} is running", id), "id", {}, 0});
  }
  for (const auto& reply : replies) {
    if (action == "stop") {
      reply->cancel();
    } else {
      reply->end_thinking();
    }
  }
  const bool is_response = call.request->path.starts_with("/v1/responses/");
  const char* const object = is_response ? "response.control" : "chat.completion.control";
  call.send({{"id", id}, {"object", object}, {"action", *action}});
}

}  // namespace aloud
