// POST /v1/completions: goes on from a text as it is, without a template.
#include <optional>
#include <utility>

#include "api/openai_reply.h"
#include "api/openai_request.h"
#include "api/reply_group.h"
#include "api/routes.h"
#include "api/services.h"
#include "http/event_stream.h"

namespace aloud {
namespace {

struct CompletionCall {
  ReplyRequest request;
  AnswerForm form;
  std::string echo;  // the prompt, where it is to be told before the answer
};

// Text is never markup; who needs markup gives token ids.
RawPrompt read_raw_prompt(JsonFields& fields) {
  const Json* prompt = fields.find("prompt");
  if (prompt == nullptr) {
    fields.set_error("prompt", "missing, expected a string or an array of token ids");
    return {};
  }
  // A list of one prompt is common; several would be several requests.
  if (prompt->is_array() && prompt->size() == 1 && !(*prompt)[0].is_number()) prompt = &(*prompt)[0];
  if (prompt->is_string()) return prompt->get<std::string>();
  std::vector<TokenId> tokens;
  if (prompt->is_array()) {
    for (const Json& token : *prompt) {
      if (!token.is_number_integer() || token.get<std::int64_t>() < 0 ||
          token.get<std::int64_t>() > INT32_MAX)
        break;
      tokens.push_back(token.get<TokenId>());
    }
  }
  if (!prompt->is_array() || tokens.size() != prompt->size()) {
    fields.set_error("prompt", "is neither a string nor an array of token ids");
  }
  return tokens;
}

RequestResult<CompletionCall> read_completion_call(const ApiCall& api_call) {
  auto json = parse_request(api_call.request->body);
  if (!json) return tl::unexpected(std::move(json.error()));
  JsonFields fields(*json);
  CompletionCall call;
  call.request.model = fields.string("model").value_or("");
  RawPrompt prompt = read_raw_prompt(fields);
  call.request.sampling = read_sampling(fields);
  ReplyOptions& options = call.request.options;
  options.grammars = api_call.grammars();
  options.max_tokens = read_max_tokens(fields);
  options.stops = read_stops(fields);
  read_answer_format(fields, options);
  call.form = read_answer_form(fields);
  if (const auto top = fields.integer("logprobs", 0, kMaxTopLogprobs))
    options.top_logprobs = static_cast<int>(*top);
  if (fields.boolean("echo").value_or(false)) {
    if (std::holds_alternative<std::string>(prompt)) {
      call.echo = std::get<std::string>(prompt);
    } else {
      fields.set_error("echo", "needs a prompt that is a string");
    }
  }
  call.request.prompt = std::move(prompt);
  if (fields.error()) return tl::unexpected(*fields.error());
  return call;
}

Json completion_json(const RunningReply::Identity& identity, Json choices) {
  return openai_body(identity, "text_completion", std::move(choices));
}

// The older form of logprobs: lists side by side.
void add_tokens(const ReplyEvent& event, std::size_t& offset, Json& logprobs) {
  const auto* const inner = std::get_if<Event>(&event);
  const auto* const answer = inner == nullptr ? nullptr : std::get_if<AnswerEvent>(inner);
  if (answer == nullptr) return;
  for (const TokenText& token : answer->tokens) {
    if (logprobs.is_null()) {
      logprobs = {{"tokens", Json::array()},
                  {"token_logprobs", Json::array()},
                  {"top_logprobs", Json::array()},
                  {"text_offset", Json::array()}};
    }
    Json top = Json::object();
    for (const TokenText::Alternative& other : token.top) top[other.bytes] = other.logprob;
    logprobs["tokens"].push_back(token.bytes);
    logprobs["token_logprobs"].push_back(token.logprob);
    logprobs["top_logprobs"].push_back(std::move(top));
    logprobs["text_offset"].push_back(offset);
    offset += token.bytes.size();
  }
}

class CompletionAnswer : public ReplyListener {
 public:
  CompletionAnswer(ApiCall call, AnswerForm form, std::string echo)
      : call_(std::move(call)), form_(form), echo_(std::move(echo)) {}

  void started(const RunningReply::Identity& identity, std::size_t samples) override {
    identity_ = identity;
    offsets_.assign(samples, echo_.size());
    logprobs_.resize(samples);
    if (!form_.stream) return;
    stream_.emplace(call_.reply);
    for (std::size_t i = 0; i < samples && !echo_.empty(); ++i) send_text(i, echo_, nullptr);
  }

  void event(std::size_t sample, const ReplyEvent& event) override {
    if (!stream_) return add_tokens(event, offsets_[sample], logprobs_[sample]);
    if (const auto* const waiting = std::get_if<WaitingEvent>(&event)) {
      stream_->comment(waiting_text(*waiting));
      return;
    }
    const auto* const inner = std::get_if<Event>(&event);
    if (inner == nullptr) return;
    if (const auto* const answer = std::get_if<AnswerEvent>(inner)) {
      Json logprobs;
      add_tokens(event, offsets_[sample], logprobs);
      send_text(sample, answer->text, std::move(logprobs));
    }
  }

  void sample_finished(std::size_t sample, const Reply& reply) override {
    if (!stream_) return;
    Json choice = {{"index", sample}, {"text", ""}, {"logprobs", nullptr}};
    add_finish(reply, choice);
    send(completion_json(identity_, Json::array({std::move(choice)})));
  }

  void finished(const std::vector<Reply>& replies) override {
    if (stream_) {
      if (form_.include_usage) {
        Json chunk = completion_json(identity_, Json::array());
        chunk["usage"] = openai_usage(replies);
        send(chunk);
      }
      stream_->send({.data = "[DONE]"});
      return stream_->finish();
    }
    Json choices = Json::array();
    for (std::size_t i = 0; i < replies.size(); ++i) {
      Json choice = {{"index", i}, {"text", echo_ + replies[i].message.content}, {"logprobs", logprobs_[i]}};
      add_finish(replies[i], choice);
      choices.push_back(std::move(choice));
    }
    Json body = completion_json(identity_, std::move(choices));
    body["usage"] = openai_usage(replies);
    body["timings"] = timings_json(replies.front().timings);
    call_.send(body);
  }

  void failed(const RequestError& error) override {
    if (!stream_) return call_.send(error);
    send(error_body(Dialect::kOpenAi, error));
    stream_->finish();
  }

 private:
  void send_text(std::size_t sample, const std::string& text, Json logprobs) {
    send(completion_json(identity_, Json::array({{{"index", sample},
                                                  {"text", text},
                                                  {"logprobs", std::move(logprobs)},
                                                  {"finish_reason", nullptr}}})));
  }
  void send(const Json& chunk) { stream_->send({.data = to_text(chunk)}); }

  const ApiCall call_;
  const AnswerForm form_;
  const std::string echo_;
  RunningReply::Identity identity_;
  std::optional<EventStream> stream_;
  std::vector<std::size_t> offsets_;  // in bytes, of the next token of each sample
  std::vector<Json> logprobs_;
};

}  // namespace

void answer_openai_completions(const ApiCall& call) {
  auto read = read_completion_call(call);
  if (!read) return call.send(read.error());
  read->request.id = random_id("cmpl-");
  ReplyGroup::start(call, std::move(read->request), read->form.samples,
                    std::make_unique<CompletionAnswer>(call, read->form, std::move(read->echo)));
}

}  // namespace aloud
