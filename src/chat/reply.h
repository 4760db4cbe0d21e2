// One reply of a model to a conversation: the way from messages to a prompt and from tokens to events.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "chat/chat_template.h"
#include "chat/event.h"
#include "chat/message.h"
#include "chat/reply_writer.h"
#include "chat/thinking.h"
#include "chat/tool.h"
#include "engine/grammar.h"
#include "engine/grammar_cache.h"
#include "engine/grammar_vocabulary.h"
#include "engine/sampling_parameters.h"
#include "engine/session.h"

namespace aloud {

struct ReplyOptions {
  SamplingParameters sampling;
  ThinkingOptions thinking;
  std::optional<std::int64_t> max_tokens;  // of thought and answer together; absent: what the context holds
  std::vector<std::string> stops;          // end the answer; thoughts and tool calls may contain them
  std::vector<Tool> tools;
  ToolChoice tool_choice;
  bool parallel_tool_calls = true;  // false, or where a call is demanded: the reply ends with its first call
  // Constrains the answer but not the thought. Such an answer ends when the grammar is complete, and no stop
  // string cuts it.
  std::shared_ptr<const Grammar> answer_grammar;
  // For the tools' parameters; whoever reads a request takes answer_grammar from it too.
  GrammarSource grammars;
  std::optional<int> top_logprobs;  // how many likeliest tokens events tell of; absent: no logprobs
  bool detect_loops = true;
};

// A reply that is ready to be generated: read the prompt, sample at most max_tokens and let the writer take
// them, then call its finish().
struct PreparedReply {
  std::vector<TokenId> prompt;
  std::int64_t max_tokens = 0;
  std::unique_ptr<ReplyWriter> writer;
};

// Prepares a reply to messages. context_tokens: the most tokens on a timeline; a prompt that does not fit is
// prepared all the same, and whoever reads it says so. vocabulary may be null where no grammar is needed: not
// by answer_grammar, strict tools or a tool choice that demands a call. The template, the tokenizer and the
// vocabulary must outlive the result. Any thread. Errors: those of the template, and options out of range.
Result<PreparedReply> prepare_reply(std::span<const Message> messages, const ReplyOptions& options,
                                    const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                                    const GrammarVocabulary* vocabulary, std::int64_t context_tokens,
                                    EventSink sink);

// A text to go on from as it is, without a template. A string is never markup; who needs markup gives tokens.
using RawPrompt = std::variant<std::string, std::vector<TokenId>>;

// Prepares to go on from a text; everything is told as answer. Of the options thinking, tools and loops do
// not count. Errors: a token that the vocabulary does not have, nothing to go on from, options out of range.
Result<PreparedReply> prepare_text(const RawPrompt& prompt, const ReplyOptions& options,
                                   const Tokenizer& tokenizer, const GrammarVocabulary* vocabulary,
                                   std::int64_t context_tokens, EventSink sink);

// Answers messages on this thread, telling sink as it goes. A cancelled reply is a reply, with what it has.
// Errors: those of prepare_reply(), Session::read() and generate().
Result<Reply> reply_to(std::span<const Message> messages, const ReplyOptions& options,
                       const ChatTemplate& chat_template, const Tokenizer& tokenizer, Session& session,
                       const EventSink& sink = {}, const std::atomic<bool>* cancel = nullptr);

}  // namespace aloud
