// Makes a reply of tokens: takes them as they are drawn, tells them as events and steers what comes next.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chat/answer_guide.h"
#include "chat/event.h"
#include "chat/loop_detector.h"
#include "chat/message.h"
#include "chat/thought_splitter.h"
#include "chat/tool_call_parser.h"
#include "chat/tool_syntax.h"
#include "engine/generation.h"
#include "engine/stop_strings.h"

namespace aloud {

enum class ReplyFinish {
  kStop,        // the model ended its turn
  kStopString,  // one of ReplyOptions::stops came
  kToolCalls,   // the model waits for the results of its calls
  kLoop,        // the answer went round in circles
  kLength,      // max_tokens are used up
  kContext,     // the context is full
  kCancelled,
};

// "stop" (of both kinds), "tool_calls", "loop", "length", "context", "cancelled"
std::string_view name(ReplyFinish finish);

struct ReplyUsage {
  std::int64_t prompt_tokens = 0;
  std::int64_t kept_tokens = 0;        // of the prompt: they were computed before
  std::int64_t completion_tokens = 0;  // sampled; what the writer put in is not counted
  std::int64_t reasoning_tokens = 0;   // of these
};

struct ReplyTimings {
  double prefill_tokens_per_second = 0;
  double decode_tokens_per_second = 0;
  double time_to_first_token_ms = 0;
};

struct Reply {
  Message message;
  ReplyFinish finish = ReplyFinish::kStop;
  std::string stop_string;                // of kStopString: which one
  std::optional<ThoughtEnd> thought_end;  // absent: there was no thought
  ReplyUsage usage;
  ReplyTimings timings;
};

// What a writer is told about the reply besides its tokens.
struct ReplyPlan {
  bool starts_in_thought = false;
  bool is_plain_text = false;  // no thought and no answer: everything is told as answer
  std::vector<TokenId> given;  // the last tokens of the prompt, where they are the reply's first
  std::int64_t prompt_tokens = 0;
  std::int64_t thought_tokens = 0;     // the thought is closed after so many
  bool is_length_the_context = false;  // what limits the reply is its room in the context
  std::vector<TokenId> closing;        // closes a thought
  std::string language;                // of the thought, or empty
  std::vector<TokenId> never;          // that may not be drawn
  std::vector<std::string> stops;
  ToolSyntax tool_syntax = ToolSyntax::kHermes;
  std::vector<std::string> tools;  // names; where there are none nothing is a call
  bool parallel_tool_calls = true;
  std::optional<int> top_logprobs;
  bool detect_loops = true;
};

// A reply never consists of a thought alone, unless it is cancelled or max_tokens is too small for more: the
// thought is closed when its budget is used up, when it loops, when somebody asks, and when the model ends
// its turn inside it; and an answer cannot end before it began. One thread, but for end_thinking().
class ReplyWriter : public TokenConsumer {
 public:
  // The tokenizer must outlive the writer; sink may be empty. guide: what the answer is held to, if anything.
  // An answer that begins with the reply has begun with the guide, and what that put in is among plan.given.
  ReplyWriter(const Tokenizer& tokenizer, ReplyPlan plan, std::optional<AnswerGuide> guide, EventSink sink);

  std::span<const TokenId> forbidden() const override;
  const TokenMask* allowed() const override;
  std::optional<int> top_logprobs() const override { return plan_.top_logprobs; }
  Next take(const SampledToken& sampled) override;

  // Any thread: closes the thought at its next token; one that has not begun is closed as it begins.
  void end_thinking() { asked_.store(true, std::memory_order_relaxed); }

  // Tells what was held back. Call it once, after the last token. The timings of reading are the caller's to
  // add, as are kept_tokens.
  Reply finish(const Generation& generation);

 private:
  using Clock = std::chrono::steady_clock;

  void begin();
  void show_given(std::span<const TokenId> tokens);
  void show_token(const SampledToken& sampled);
  std::optional<ThoughtEnd> reason_to_answer(TokenId token);
  std::span<const TokenId> close_thought(ThoughtEnd how, TokenId after);
  bool is_held() const { return guide_ && guide_->holds() && !splitter_.in_thought(); }
  Next take_held(const SampledToken& sampled);
  bool is_over(TokenId token, bool was_thought);
  void put(std::span<const TokenId> tokens);
  void begin_answer(std::string_view space);
  void note(const SampledToken& sampled, std::vector<TokenText>& tokens) const;
  void show(const ThoughtSplitter::Text& text);
  void show(std::vector<AnswerPiece> pieces);
  void tell_end(ThoughtEnd how);
  void begin_call(std::string name);
  void send_arguments(std::string text);
  void send_answer(std::string text);
  ReplyFinish finish_of(const Generation& generation) const;

  const Tokenizer& tokenizer_;
  const ReplyPlan plan_;
  const EventSink sink_;
  ThoughtSplitter splitter_;
  std::optional<ToolCallParser> calls_;
  mutable std::optional<AnswerGuide> guide_;  // works masks out when they are asked for
  StopStrings stops_;
  LoopDetector thought_loop_{LoopDetector::kThought};
  LoopDetector answer_loop_{LoopDetector::kAnswer};
  std::vector<TokenId> refused_;  // those of the plan, the ends of a turn, the tags of thoughts
  std::atomic<bool> asked_{false};
  Clock::time_point start_;  // when the first token came
  std::vector<TokenId> feed_;
  Message message_{.role = Role::kAssistant};
  std::vector<TokenText> thought_notes_;  // drawn, but their text is not told yet
  std::vector<TokenText> answer_notes_;
  std::optional<ThoughtEnd> thought_end_;
  ThoughtEnd end_ = ThoughtEnd::kModel;  // of the thought that is open
  bool thinking_ = true;                 // a thought that is not there sends no event
  bool began_ = false;
  bool called_ = false;   // a call is complete
  bool loops_ = false;    // the answer does
  int empty_tokens_ = 0;  // of an answer that has not begun
};

}  // namespace aloud
