// Replies in the JSON of OpenAI's chat API.
#pragma once

#include <string>
#include <vector>

#include "api/json_fields.h"
#include "service/running_reply.h"

namespace aloud {

// What every answer and every chunk of one begins with: {"id", "object", "created", "model", "choices"}.
Json openai_body(const RunningReply::Identity& identity, const char* object, Json choices);
// A comment of a stream that waits.
std::string waiting_text(const WaitingEvent& waiting);
// {"role", "content", "reasoning_content", "tool_calls"}; content is null beside tool calls alone.
Json openai_message(const Message& message);
// What an event adds to a message; empty where nothing.
Json openai_delta(const Event& event);
// Prompts are the same and count once.
Json openai_usage(const std::vector<Reply>& replies);
// finish_reason, and finish_details where it alone does not tell why.
void add_finish(const Reply& reply, Json& choice);
// Appends the tokens of an event to {"content": [...], "reasoning": [...]}; null stays where there are none.
void add_logprobs(const ReplyEvent& event, Json& logprobs);
Json thought_end_json(const ThoughtEndEvent& end);  // {"reason", "seconds", "tokens"}
Json timings_json(const ReplyTimings& timings);

}  // namespace aloud
