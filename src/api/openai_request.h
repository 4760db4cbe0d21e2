// What OpenAI's requests have in common: messages, sampling, thought, tools, format of the answer.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "api/json_fields.h"
#include "service/reply_service.h"

namespace aloud {

// How the answer to a request is to be told.
struct AnswerForm {
  bool stream = false;
  bool include_usage = false;     // a chunk with the usage at the end of a stream
  bool include_progress = false;  // chunks that tell the place in the queue and the reading of the prompt
  std::int64_t samples = 1;       // n
  bool logprobs = false;
};

inline constexpr std::int64_t kMaxSamples = 16;
inline constexpr int kMaxTopLogprobs = 20;
inline constexpr std::int64_t kMaxTokens = std::int64_t{1} << 30;
inline constexpr std::size_t kMaxStops = 16;
inline constexpr std::size_t kMaxTools = 128;

// Messages of the chat API: roles system, developer, user, assistant and tool; content is a string or a list
// of text parts; an assistant's thought is taken from reasoning_content or reasoning.
std::vector<Message> read_messages(JsonFields& fields, std::string_view name);
// A string, or text parts joined; empty where absent.
std::string read_content(JsonFields& fields, std::string_view name);
std::vector<ToolCall> read_tool_calls(JsonFields& message);

// temperature and its like, seed, logit_bias.
SamplingChoices read_sampling(JsonFields& fields);
std::vector<std::string> read_stops(JsonFields& fields, std::string_view name = "stop");
// reasoning_effort, chat_template_kwargs.enable_thinking, thinking; each wins over those before it, and all
// of them over what was said elsewhere.
ThinkingOptions read_thinking(JsonFields& fields, ThinkingOptions elsewhere = {});
// The name of an effort: "none", "minimal", "low", "medium", "high" or "xhigh".
void read_effort(JsonFields& fields, std::string_view name, ThinkingOptions& thinking);
// max_completion_tokens or max_tokens.
std::optional<std::int64_t> read_max_tokens(JsonFields& fields);
// The elements of tools, each read by the dialect's own function; at most kMaxTools.
std::vector<Tool> read_tool_list(JsonFields& fields, Tool (*read_tool)(JsonFields));
// name, description, strict, and the parameters under the name that the dialect has for them.
Tool read_tool_fields(JsonFields& fields, std::string_view parameters);
// This tool must be called. An error at the field where it is not offered.
void choose_tool(std::string name, JsonFields& fields, std::string_view field, ReplyOptions& options);
// tools, tool_choice, parallel_tool_calls in the form of the chat API.
void read_tools(JsonFields& fields, ReplyOptions& options);
// The same with tools in another form.
void read_tools(JsonFields& fields, Tool (*read_one)(JsonFields), ReplyOptions& options);
// A format has a "type", and a schema in itself or within "json_schema".
enum class SchemaPlace { kHere, kWithin };
void read_format(JsonFields& format, SchemaPlace place, ReplyOptions& options);
// response_format, and what other servers call grammar, guided_json, guided_regex, guided_grammar.
void read_answer_format(JsonFields& fields, ReplyOptions& options);
AnswerForm read_answer_form(JsonFields& fields);

}  // namespace aloud
