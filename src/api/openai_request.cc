// Reads the fields of OpenAI's requests, one function for each group of them.
#include "api/openai_request.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "engine/grammar.h"

namespace aloud {
namespace {

// The name that a template gets; developer is OpenAI's newer word for system.
std::optional<Role> role_of(std::string_view name) {
  if (name == "system" || name == "developer") return Role::kSystem;
  if (name == "user") return Role::kUser;
  if (name == "assistant") return Role::kAssistant;
  if (name == "tool") return Role::kTool;
  return {};
}

void read_text_part(JsonFields part, std::string& text) {
  const std::string type = part.required_string("type");
  if (type == "text" || type == "input_text" || type == "output_text") {
    text += part.required_string("text");
  } else if (!part.error()) {
    part.set_error("type", fmt::format("{:?} is not supported: this model reads text", type));
  }
}

Message read_message(JsonFields fields) {
  Message message;
  const std::string role = fields.required_string("role");
  if (const auto known = role_of(role)) {
    message.role = *known;
  } else {
    fields.set_error("role",
                     fmt::format("{:?} is not one of system, developer, user, assistant, tool", role));
  }
  message.content = read_content(fields, "content");
  if (message.role == Role::kAssistant) {
    message.thought = fields.string("reasoning_content").value_or("");
    if (message.thought.empty()) message.thought = fields.string("reasoning").value_or("");
    message.tool_calls = read_tool_calls(fields);
  } else if (!fields.has("content")) {
    fields.set_error("content", "missing, expected a string");
  }
  if (message.role == Role::kTool) message.tool_call_id = fields.string("tool_call_id").value_or("");
  if (message.role == Role::kTool) message.name = fields.string("name").value_or("");
  return message;
}

void read_logit_bias(JsonFields& fields, SamplingChoices& choices) {
  const Json* const biases = fields.object("logit_bias");
  if (biases == nullptr) return;
  JsonFields inner = fields.inner("logit_bias", *biases);
  for (const auto& [key, value] : biases->items()) {
    LogitBias bias;
    const auto parsed = std::from_chars(key.data(), key.data() + key.size(), bias.token);
    if (parsed.ec != std::errc() || parsed.ptr != key.data() + key.size()) {
      inner.set_error(key, "the name is not a token's number");
    }
    bias.bias = inner.number(key, -100, 100).value_or(0);
    choices.logit_bias.push_back(bias);
  }
}

Tool read_tool(JsonFields tool) {
  if (tool.choice("type", {"function"}).value_or("function") != "function") return {};
  const Json* const function = tool.required_object("function");
  if (function == nullptr) return {};
  JsonFields fields = tool.inner("function", *function);
  return read_tool_fields(fields, "parameters");
}

void read_tool_choice(JsonFields& fields, ReplyOptions& options) {
  const Json* const choice = fields.find("tool_choice");
  if (choice == nullptr) return;
  if (choice->is_string()) {
    const auto name = fields.choice("tool_choice", {"auto", "none", "required"});
    if (name == "none") options.tool_choice.kind = ToolChoice::Kind::kNone;
    if (name == "required") options.tool_choice.kind = ToolChoice::Kind::kRequired;
  } else {
    JsonFields inner = fields.inner("tool_choice", *choice);
    const Json* const function = inner.object("function");
    std::string name = function != nullptr ? inner.inner("function", *function).required_string("name")
                                           : inner.required_string("name");
    choose_tool(std::move(name), fields, "tool_choice", options);
  }
  if (options.tools.empty() && options.tool_choice.kind == ToolChoice::Kind::kRequired) {
    fields.set_error("tool_choice", "\"required\" needs tools");
  }
}

void set_grammar(JsonFields& fields, std::string_view name, Result<std::shared_ptr<const Grammar>> grammar,
                 ReplyOptions& options) {
  if (!grammar) {
    fields.set_error(name, grammar.error().message);
  } else if (options.answer_grammar) {
    fields.set_error(name, "the format of the answer is given twice");
  } else {
    options.answer_grammar = std::move(*grammar);
  }
}

void read_schema(JsonFields& fields, ReplyOptions& options) {
  if (const Json* const schema = fields.find("schema")) {
    set_grammar(fields, "schema", options.grammars.from_json_schema(*schema), options);
  } else {
    fields.set_error("schema", "missing, expected a JSON schema");
  }
}

}  // namespace

std::string read_content(JsonFields& fields, std::string_view name) {
  const Json* const content = fields.find(name);
  if (content == nullptr || content->is_string()) return fields.string(name).value_or("");
  if (!content->is_array()) {
    fields.set_error(name, "is neither a string nor an array of parts");
    return {};
  }
  std::string text;
  for (std::size_t i = 0; i < content->size(); ++i) {
    read_text_part(fields.inner(name, i, (*content)[i]), text);
  }
  return text;
}

std::vector<ToolCall> read_tool_calls(JsonFields& message) {
  std::vector<ToolCall> calls;
  const Json* const list = message.array("tool_calls");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    JsonFields call = message.inner("tool_calls", i, (*list)[i]);
    const Json* const function = call.required_object("function");
    if (function == nullptr) break;
    JsonFields fields = call.inner("function", *function);
    calls.push_back({.id = call.string("id").value_or(""),
                     .name = fields.required_string("name"),
                     .arguments = fields.string("arguments").value_or("{}")});
  }
  return calls;
}

std::vector<Message> read_messages(JsonFields& fields, std::string_view name) {
  std::vector<Message> messages;
  const Json* const list = fields.array(name);
  if (list == nullptr || list->empty()) {
    fields.set_error(name, list == nullptr ? "missing, expected an array" : "is empty");
    return messages;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    messages.push_back(read_message(fields.inner(name, i, (*list)[i])));
  }
  return messages;
}

SamplingChoices read_sampling(JsonFields& fields) {
  SamplingChoices choices;
  for (const SamplingRange& range : sampling_ranges()) {
    choices.values.push_back(fields.number(range.name, range.low, range.high));
  }
  // Any 64 bits will do: clients send negative numbers too.
  if (const auto seed = fields.integer("seed", std::numeric_limits<std::int64_t>::min())) {
    choices.seed = static_cast<std::uint64_t>(*seed);
  }
  read_logit_bias(fields, choices);
  return choices;
}

std::vector<std::string> read_stops(JsonFields& fields, std::string_view name) {
  const Json* const stop = fields.find(name);
  if (stop == nullptr) return {};
  if (stop->is_string()) return {stop->get<std::string>()};
  std::vector<std::string> stops;
  if (!stop->is_array()) fields.set_error(name, "is neither a string nor an array of strings");
  if (stop->size() > kMaxStops) fields.set_error(name, fmt::format("has more than {} elements", kMaxStops));
  if (fields.error()) return stops;
  for (const Json& element : *stop) {
    if (!element.is_string()) {
      fields.set_error(name, "is neither a string nor an array of strings");
      break;
    }
    stops.push_back(element.get<std::string>());
  }
  return stops;
}

void read_effort(JsonFields& fields, std::string_view name, ThinkingOptions& thinking) {
  const auto effort = fields.choice(name, {"none", "minimal", "low", "medium", "high", "xhigh"});
  if (!effort) return;
  thinking.enabled = *effort != "none";
  const std::string level = *effort == "minimal" ? "low" : *effort == "xhigh" ? "high" : *effort;
  if (const EffortLevel* const known = find_effort(level)) {
    thinking.effort = known->name;
    thinking.budget_tokens = known->budget_tokens;
  }
}

ThinkingOptions read_thinking(JsonFields& fields, ThinkingOptions elsewhere) {
  ThinkingOptions thinking = std::move(elsewhere);
  read_effort(fields, "reasoning_effort", thinking);
  if (const Json* const arguments = fields.object("chat_template_kwargs")) {
    JsonFields inner = fields.inner("chat_template_kwargs", *arguments);
    for (const char* name : {"enable_thinking", "thinking"}) {
      if (const auto enabled = inner.boolean(name)) thinking.enabled = *enabled;
    }
  }
  if (const Json* const object = fields.object("thinking")) {
    JsonFields inner = fields.inner("thinking", *object);
    const auto type = inner.choice("type", {"enabled", "disabled", "adaptive"});
    if (type) thinking.enabled = *type != "disabled";
    if (const auto budget = inner.integer("budget_tokens", 0, kMaxTokens)) thinking.budget_tokens = *budget;
    if (const auto language = inner.string("language")) thinking.language = *language;
  }
  return thinking;
}

std::optional<std::int64_t> read_max_tokens(JsonFields& fields) {
  const auto newer = fields.integer("max_completion_tokens", 1, kMaxTokens);
  const auto older = fields.integer("max_tokens", 1, kMaxTokens);
  return newer ? newer : older;
}

std::vector<Tool> read_tool_list(JsonFields& fields, Tool (*read_tool)(JsonFields)) {
  std::vector<Tool> tools;
  const Json* const list = fields.array("tools");
  if (list != nullptr && list->size() > kMaxTools) {
    fields.set_error("tools", fmt::format("has more than {} elements", kMaxTools));
    return tools;
  }
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    tools.push_back(read_tool(fields.inner("tools", i, (*list)[i])));
  }
  return tools;
}

Tool read_tool_fields(JsonFields& fields, std::string_view parameters) {
  Tool tool;
  tool.name = fields.required_string("name");
  if (!fields.error() && tool.name.empty()) fields.set_error("name", "is empty");
  tool.description = fields.string("description").value_or("");
  if (const Json* const schema = fields.object(parameters)) tool.parameters = *schema;
  tool.strict = fields.boolean("strict").value_or(false);
  return tool;
}

void choose_tool(std::string name, JsonFields& fields, std::string_view field, ReplyOptions& options) {
  const bool known = std::ranges::any_of(options.tools, [&](const Tool& tool) { return tool.name == name; });
  if (!known) fields.set_error(field, fmt::format("there is no tool named {:?}", name));
  options.tool_choice = {ToolChoice::Kind::kNamed, std::move(name)};
}

void read_tools(JsonFields& fields, ReplyOptions& options) { read_tools(fields, read_tool, options); }

void read_tools(JsonFields& fields, Tool (*read_one)(JsonFields), ReplyOptions& options) {
  options.tools = read_tool_list(fields, read_one);
  read_tool_choice(fields, options);
  options.parallel_tool_calls = fields.boolean("parallel_tool_calls").value_or(true);
}

void read_format(JsonFields& format, SchemaPlace place, ReplyOptions& options) {
  if (!format.has("type")) format.set_error("type", "missing, expected a string");
  const auto type = format.choice("type", {"text", "json_object", "json_schema"});
  if (type == "json_object") {
    set_grammar(format, "type", options.grammars.from_json_schema({{"type", "object"}}), options);
  } else if (type == "json_schema" && place == SchemaPlace::kWithin) {
    if (const Json* const wrapper = format.required_object("json_schema")) {
      JsonFields inner = format.inner("json_schema", *wrapper);
      read_schema(inner, options);
    }
  } else if (type == "json_schema") {
    read_schema(format, options);
  }
}

void read_answer_format(JsonFields& fields, ReplyOptions& options) {
  if (const Json* const object = fields.object("response_format")) {
    JsonFields format = fields.inner("response_format", *object);
    read_format(format, SchemaPlace::kWithin, options);
  }
  if (const Json* const schema = fields.find("guided_json")) {
    set_grammar(fields, "guided_json", options.grammars.from_json_schema(*schema), options);
  }
  if (const auto regex = fields.string("guided_regex")) {
    set_grammar(fields, "guided_regex", options.grammars.from_regex(*regex), options);
  }
  for (const char* name : {"grammar", "guided_grammar"}) {
    if (const auto gbnf = fields.string(name))
      set_grammar(fields, name, options.grammars.from_gbnf(*gbnf), options);
  }
}

AnswerForm read_answer_form(JsonFields& fields) {
  AnswerForm form;
  form.stream = fields.boolean("stream").value_or(false);
  if (const Json* const object = fields.object("stream_options")) {
    JsonFields options = fields.inner("stream_options", *object);
    form.include_usage = options.boolean("include_usage").value_or(false);
    form.include_progress = options.boolean("include_progress").value_or(false);
  }
  form.samples = fields.integer("n", 1, kMaxSamples).value_or(1);
  return form;
}

}  // namespace aloud
