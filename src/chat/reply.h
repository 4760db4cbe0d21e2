// One reply of a model to a conversation: the way from messages to events.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "chat/chat_template.h"
#include "chat/event.h"
#include "chat/message.h"
#include "chat/thinking.h"
#include "engine/generation.h"
#include "engine/session.h"

namespace aloud {

struct ReplyOptions {
  SamplingParameters sampling;
  ThinkingOptions thinking;
  std::optional<std::int64_t> max_tokens;  // of thought and answer together; absent: what the context holds
  std::vector<std::string> stops;          // end the answer; thoughts may contain them
};

struct ReplyUsage {
  std::int64_t prompt_tokens = 0;
  std::int64_t kept_tokens = 0;        // of the prompt: they were computed before
  std::int64_t completion_tokens = 0;  // sampled; what a budget put in is not counted
  std::int64_t reasoning_tokens = 0;   // of these
};

struct ReplyTimings {
  double prefill_tokens_per_second = 0;
  double decode_tokens_per_second = 0;
  double time_to_first_token_ms = 0;
};

struct Reply {
  Message message;
  FinishReason finish = FinishReason::kStop;
  bool thought_cut = false;  // the thought's budget was used up and it was closed
  ReplyUsage usage;
  ReplyTimings timings;
};

// Answers messages, telling sink as it goes (on this thread). A reply never consists of a thought alone,
// unless it is cancelled or max_tokens is too small for more: the thought is closed when its budget is used
// up or when the model ends its turn inside it, and an answer cannot end before it began. A cancelled reply
// is a reply, with what it has. Errors: those of the template, of Session::read() and of generate(), and
// sampling parameters out of range.
Result<Reply> reply_to(std::span<const Message> messages, const ReplyOptions& options,
                       const ChatTemplate& chat_template, const Tokenizer& tokenizer, Session& session,
                       const EventSink& sink = {}, const std::atomic<bool>* cancel = nullptr);

}  // namespace aloud
