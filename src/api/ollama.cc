// POST /api/chat and /api/generate: Ollama's replies, as lines of JSON or at once.
// Source: Ollama's published API.
#include <chrono>
#include <optional>
#include <utility>

#include "api/ollama_name.h"
#include "api/openai_request.h"
#include "api/reply_group.h"
#include "api/routes.h"
#include "api/services.h"
#include "api/tool_arguments.h"
#include "base/clock.h"

namespace aloud {
namespace {

enum class Endpoint { kChat, kGenerate };

struct OllamaCall {
  ReplyRequest request;
  bool stream = true;
  bool loads_only = false;  // nothing is asked but that the model be in memory
};

Role read_chat_role(JsonFields& fields) {
  const std::string role = fields.required_string("role");
  for (const Role known : {Role::kSystem, Role::kUser, Role::kAssistant, Role::kTool}) {
    if (role == name(known)) return known;
  }
  fields.set_error("role", fmt::format("{:?} is not one of system, user, assistant, tool", role));
  return Role::kUser;
}

void refuse_images(JsonFields& fields) {
  const Json* const images = fields.array("images");
  if (images != nullptr && !images->empty())
    fields.set_error("images", "not supported: this model reads text");
}

ToolCall read_tool_call(JsonFields call) {
  const Json* const function = call.required_object("function");
  if (function == nullptr) return {};
  JsonFields fields = call.inner("function", *function);
  const Json* const arguments = fields.object("arguments");
  return {.id = call.string("id").value_or(""),
          .name = fields.required_string("name"),
          .arguments = arguments == nullptr ? "{}" : to_text(*arguments)};
}

Message read_chat_message(JsonFields fields) {
  Message message{.role = read_chat_role(fields)};
  message.content = fields.string("content").value_or("");
  refuse_images(fields);
  if (message.role == Role::kAssistant) {
    message.thought = fields.string("thinking").value_or("");
    const Json* const calls = fields.array("tool_calls");
    for (std::size_t i = 0; calls != nullptr && i < calls->size(); ++i) {
      message.tool_calls.push_back(read_tool_call(fields.inner("tool_calls", i, (*calls)[i])));
    }
  }
  if (message.role == Role::kTool) {
    message.tool_call_id = fields.string("tool_call_id").value_or("");
    message.name = fields.string("tool_name").value_or("");
  }
  return message;
}

ThinkingOptions read_think(JsonFields& fields) {
  ThinkingOptions thinking;
  const Json* const think = fields.find("think");
  if (think == nullptr) return thinking;
  if (!think->is_string()) {
    thinking.enabled = fields.boolean("think").value_or(true);
  } else if (const auto level = fields.choice("think", {"low", "medium", "high"})) {
    const EffortLevel* const known = find_effort(*level);
    thinking.effort = known->name;
    thinking.budget_tokens = known->budget_tokens;
  }
  return thinking;
}

void read_chat_format(JsonFields& fields, ReplyOptions& options) {
  const Json* const format = fields.find("format");
  if (format == nullptr || *format == "") return;
  if (format->is_string() && *format != "json") {
    fields.set_error("format", "is neither \"json\" nor a JSON schema");
    return;
  }
  auto grammar = options.grammars.from_json_schema(format->is_string() ? Json{{"type", "object"}} : *format);
  if (!grammar) return fields.set_error("format", grammar.error().message);
  options.answer_grammar = std::move(*grammar);
}

void read_options(JsonFields& fields, ReplyRequest& request) {
  const Json* const object = fields.object("options");
  if (object == nullptr) return;
  JsonFields inner = fields.inner("options", *object);
  request.sampling = read_sampling(inner);
  // Negative: as much as the context holds.
  const auto tokens = inner.integer("num_predict", -2, kMaxTokens);
  if (tokens && *tokens > 0) request.options.max_tokens = *tokens;
  request.options.stops = read_stops(inner);
}

void read_chat(JsonFields& fields, OllamaCall& call) {
  std::vector<Message> messages;
  const Json* const list = fields.array("messages");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    messages.push_back(read_chat_message(fields.inner("messages", i, (*list)[i])));
  }
  call.loads_only = messages.empty();
  call.request.prompt = std::move(messages);
  read_tools(fields, call.request.options);
}

void read_generate(JsonFields& fields, OllamaCall& call) {
  std::string prompt = fields.string("prompt").value_or("");
  refuse_images(fields);
  for (const char* name : {"suffix", "template"}) {
    if (!fields.string(name).value_or("").empty()) fields.set_error(name, "is not supported");
  }
  call.loads_only = prompt.empty();
  if (fields.boolean("raw").value_or(false)) {
    call.request.prompt = RawPrompt(std::move(prompt));
    return;
  }
  std::vector<Message> messages;
  if (std::string system = fields.string("system").value_or(""); !system.empty()) {
    messages.push_back({.role = Role::kSystem, .content = std::move(system)});
  }
  messages.push_back({.role = Role::kUser, .content = std::move(prompt)});
  call.request.prompt = std::move(messages);
}

RequestResult<OllamaCall> read_ollama_call(const ApiCall& call, Endpoint endpoint) {
  auto json = parse_request(call.request->body);
  if (!json) return tl::unexpected(std::move(json.error()));
  JsonFields fields(*json);
  OllamaCall read;
  read.request.options.grammars = call.grammars();
  read.request.model = without_latest(call.services.models, fields.string("model").value_or(""));
  if (endpoint == Endpoint::kChat) {
    read_chat(fields, read);
  } else {
    read_generate(fields, read);
  }
  read_options(fields, read.request);
  read.request.options.thinking = read_think(fields);
  read_chat_format(fields, read.request.options);
  read.stream = fields.boolean("stream").value_or(true);
  if (fields.error()) return tl::unexpected(*fields.error());
  read.request.id = random_id("ollama-");
  return read;
}

std::string now_text() {
  const auto now = std::chrono::system_clock::now();
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(now.time_since_epoch()).count();
  return fmt::format("{}.{:09}Z", utc_text(since / 1'000'000'000), since % 1'000'000'000);
}

std::int64_t nanoseconds(double tokens, double tokens_per_second) {
  return tokens_per_second > 0 ? static_cast<std::int64_t>(1e9 * tokens / tokens_per_second) : 0;
}

Json tool_calls_json(const std::vector<ToolCall>& calls) {
  Json list = Json::array();
  for (const ToolCall& call : calls) {
    list.push_back({{"id", call.id},
                    {"function", {{"name", call.name}, {"arguments", arguments_object(call.arguments)}}}});
  }
  return list;
}

// What a line tells of a message: thought and answer, and of a chat the calls.
Json part_json(Endpoint endpoint, const Message& part) {
  Json fields = {{endpoint == Endpoint::kChat ? "content" : "response", part.content}};
  if (!part.thought.empty()) fields["thinking"] = part.thought;
  if (endpoint == Endpoint::kGenerate) return fields;
  if (!part.tool_calls.empty()) fields["tool_calls"] = tool_calls_json(part.tool_calls);
  Json message = {{"role", "assistant"}};
  message.update(fields);
  return {{"message", std::move(message)}};
}

Json line_json(Endpoint endpoint, const std::string& model, const Message& part) {
  Json line = {{"model", model}, {"created_at", now_text()}};
  line.update(part_json(endpoint, part));
  line["done"] = false;
  return line;
}

// Tells the reply in lines as it comes, or in one at its end.
class OllamaAnswer : public ReplyListener {
 public:
  OllamaAnswer(ApiCall call, Endpoint endpoint, bool stream)
      : call_(std::move(call)), endpoint_(endpoint), stream_(stream) {}

  void started(const RunningReply::Identity& identity, std::size_t) override {
    model_ = identity.model;
    load_seconds_ = since_start();
    if (stream_) call_.reply->begin(200, {{"Content-Type", "application/x-ndjson"}});
    begun_ = stream_;
  }

  void event(std::size_t, const ReplyEvent& event) override {
    const auto* const inner = std::get_if<Event>(&event);
    if (!stream_ || inner == nullptr) return;
    Message part;
    if (const auto* const thought = std::get_if<ThoughtEvent>(inner)) part.thought = thought->text;
    if (const auto* const answer = std::get_if<AnswerEvent>(inner)) part.content = answer->text;
    if (part.thought.empty() && part.content.empty()) return;
    write(line_json(endpoint_, model_, part));
  }

  void finished(const std::vector<Reply>& replies) override {
    const Reply& reply = replies.front();
    if (!stream_) return call_.send(last_line(reply, reply.message));
    // A call is told whole: its arguments are an object.
    Message calls;
    calls.tool_calls = reply.message.tool_calls;
    if (!calls.tool_calls.empty()) write(line_json(endpoint_, model_, calls));
    write(last_line(reply, {}));
    call_.reply->finish();
  }

  void failed(const RequestError& error) override {
    if (!begun_) return call_.send(error);
    write(error_body(Dialect::kOllama, error));
    call_.reply->finish();
  }

 private:
  using Clock = std::chrono::steady_clock;

  double since_start() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  void write(const Json& line) { call_.reply->write(to_text(line) + "\n"); }

  Json last_line(const Reply& reply, const Message& part) const {
    const bool is_cut = reply.finish == ReplyFinish::kLength || reply.finish == ReplyFinish::kContext;
    const ReplyUsage& usage = reply.usage;
    const auto read_tokens = static_cast<double>(usage.prompt_tokens - usage.kept_tokens);
    const auto written_tokens = static_cast<double>(usage.completion_tokens);
    Json line = line_json(endpoint_, model_, part);
    line["done"] = true;
    line["done_reason"] = is_cut ? "length" : "stop";
    line["total_duration"] = static_cast<std::int64_t>(1e9 * since_start());
    line["load_duration"] = static_cast<std::int64_t>(1e9 * load_seconds_);
    line["prompt_eval_count"] = usage.prompt_tokens;
    line["prompt_eval_duration"] = nanoseconds(read_tokens, reply.timings.prefill_tokens_per_second);
    line["eval_count"] = usage.completion_tokens;
    // The first one comes out of the prompt.
    line["eval_duration"] = nanoseconds(written_tokens - 1, reply.timings.decode_tokens_per_second);
    return line;
  }

  const ApiCall call_;
  const Endpoint endpoint_;
  const bool stream_;
  const Clock::time_point start_ = Clock::now();
  double load_seconds_ = 0;
  std::string model_;
  bool begun_ = false;  // the stream
};

// A request without words asks that the model be loaded.
void answer_load(const ApiCall& call, Endpoint endpoint, const std::string& model) {
  call.services.models.use(model, [call, endpoint](auto served) {
    if (!served) return call.send(served.error());
    Json line = line_json(endpoint, (*served)->name(), {});
    line["done"] = true;
    line["done_reason"] = "load";
    call.send(line);
  });
}

void answer_reply(const ApiCall& call, Endpoint endpoint) {
  auto read = read_ollama_call(call, endpoint);
  if (!read) return call.send(read.error());
  if (read->loads_only) return answer_load(call, endpoint, read->request.model);
  auto listener = std::make_unique<OllamaAnswer>(call, endpoint, read->stream);
  ReplyGroup::start(call, std::move(read->request), 1, std::move(listener));
}

}  // namespace

void answer_ollama_chat(const ApiCall& call) { answer_reply(call, Endpoint::kChat); }
void answer_ollama_generate(const ApiCall& call) { answer_reply(call, Endpoint::kGenerate); }

}  // namespace aloud
