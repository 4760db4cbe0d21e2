// Joins what looks at a reply: splitter, budget, circles, calls of tools, stop strings.
#include "chat/reply_writer.h"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "base/check.h"
#include "chat/thought_language.h"

namespace aloud {
namespace {

// Before an answer has begun it can neither end nor become another thought; after so many tokens without
// anything visible it can, lest a model that has nothing to say goes on for ever.
constexpr int kMostRefusedTokens = 16;

// Of tokens whose text was cut: those that have a part in what is left.
void keep_notes_of(std::string_view text, std::vector<TokenText>& notes) {
  std::size_t bytes = 0, count = 0;
  while (count < notes.size() && bytes < text.size()) bytes += notes[count++].bytes.size();
  notes.resize(count);
}

// Unique wherever conversations meet.
std::string new_call_id() {
  std::random_device random;
  return fmt::format("call_{:08x}{:08x}{:08x}", random(), random(), random());
}

}  // namespace

std::string_view name(ReplyFinish finish) {
  switch (finish) {
    case ReplyFinish::kStop:
    case ReplyFinish::kStopString:
      return "stop";
    case ReplyFinish::kToolCalls:
      return "tool_calls";
    case ReplyFinish::kLoop:
      return "loop";
    case ReplyFinish::kLength:
      return "length";
    case ReplyFinish::kContext:
      return "context";
    case ReplyFinish::kCancelled:
      return "cancelled";
  }
  CHECK(false);
}

ReplyWriter::ReplyWriter(const Tokenizer& tokenizer, ReplyPlan plan, std::optional<AnswerGuide> guide,
                         EventSink sink)
    : tokenizer_(tokenizer),
      plan_(std::move(plan)),
      sink_(std::move(sink)),
      splitter_(tokenizer, plan_.starts_in_thought),
      guide_(std::move(guide)),
      stops_(plan_.stops),
      refused_(plan_.never) {
  if (plan_.is_plain_text) splitter_.expect_answer_only();
  if (!plan_.tools.empty()) calls_.emplace(plan_.tool_syntax, tokenizer, plan_.tools);
  refused_.insert(refused_.end(), tokenizer.ends_of_turn().begin(), tokenizer.ends_of_turn().end());
  for (const std::string_view tag : {kThoughtOpen, kThoughtClose})
    refused_.push_back(tokenizer.find_markup(tag));
}

std::span<const TokenId> ReplyWriter::forbidden() const {
  const std::span<const TokenId> all = refused_;
  const std::span<const TokenId> always = all.first(plan_.never.size());
  // Inside a thought the end of the turn may be sampled: it closes the thought. A grammar knows when it may.
  if (splitter_.in_thought() || splitter_.has_answer() || is_held()) return always;
  if (empty_tokens_ >= kMostRefusedTokens) return always;
  return splitter_.has_thought() ? all : all.first(all.size() - 2);
}

const TokenMask* ReplyWriter::allowed() const { return is_held() ? guide_->allowed() : nullptr; }

void ReplyWriter::begin() {
  if (std::exchange(began_, true)) return;
  start_ = Clock::now();
  show_given(plan_.given);
}

TokenConsumer::Next ReplyWriter::take(const SampledToken& sampled) {
  begin();
  if (is_held()) return take_held(sampled);
  const TokenId token = sampled.token;
  const bool was_thought = splitter_.in_thought();
  if (tokenizer_.is_end_of_turn(token)) {
    if (!was_thought) return {.stop = true};
    return {.feed = close_thought(ThoughtEnd::kModel, kNoToken)};
  }
  if (!splitter_.has_answer() && !was_thought) ++empty_tokens_;
  const std::size_t calls = message_.tool_calls.size();
  show_token(sampled);
  if (is_over(token, was_thought)) return {.stop = true};
  if (splitter_.in_thought()) {
    if (const auto reason = reason_to_answer(token)) return {.feed = close_thought(*reason, token)};
  }
  feed_.assign(1, token);
  if (was_thought && !splitter_.in_thought()) begin_answer("\n\n");
  if (guide_ && message_.tool_calls.size() > calls && calls_->in_arguments()) {
    const ToolCall& call = message_.tool_calls.back();
    guide_->begin_arguments(call.name, call.arguments);
  }
  return {.feed = feed_};
}

// A token of an answer, or of a call in it, that a grammar allowed.
TokenConsumer::Next ReplyWriter::take_held(const SampledToken& sampled) {
  feed_.clear();
  if (!tokenizer_.is_end_of_turn(sampled.token)) {
    show_token(sampled);
    feed_.push_back(sampled.token);
  }
  const AnswerGuide::Step step = guide_->take(sampled.token);
  if (step.stop || is_over(sampled.token, false)) return {.stop = true};
  put(step.put);
  if (called_ && !plan_.parallel_tool_calls) return {.stop = true};
  return {.feed = feed_};
}

// The reply ends with this token, which is shown.
bool ReplyWriter::is_over(TokenId token, bool was_thought) {
  if (stops_.found() != nullptr || (called_ && !plan_.parallel_tool_calls)) return true;
  if (splitter_.in_thought() || was_thought || !plan_.detect_loops) return false;
  loops_ = answer_loop_.push(token, tokenizer_.bytes(token));
  return loops_;
}

// Appends to feed_.
void ReplyWriter::put(std::span<const TokenId> tokens) {
  show_given(tokens);
  feed_.insert(feed_.end(), tokens.begin(), tokens.end());
}

std::optional<ThoughtEnd> ReplyWriter::reason_to_answer(TokenId token) {
  if (asked_.load(std::memory_order_relaxed)) return ThoughtEnd::kAsked;
  if (splitter_.thought_tokens() >= plan_.thought_tokens) return ThoughtEnd::kBudget;
  if (plan_.detect_loops && thought_loop_.push(token, tokenizer_.bytes(token))) return ThoughtEnd::kLoop;
  return std::nullopt;
}

std::span<const TokenId> ReplyWriter::close_thought(ThoughtEnd how, TokenId after) {
  feed_.clear();
  if (after != kNoToken) feed_.push_back(after);
  if (how == ThoughtEnd::kLoop) {
    const ThoughtLanguage* language = find_thought_language(plan_.language);
    if (language == nullptr) language = &guess_thought_language(message_.thought);
    put(tokenizer_.encode_plain(fmt::format("\n\n{}", language->winding_down)));
  }
  feed_.insert(feed_.end(), plan_.closing.begin(), plan_.closing.end());
  end_ = how;
  show(splitter_.close());
  begin_answer("");
  return feed_;
}

// Appends to feed_ what an answer that is held begins with, and before it what stands between thought and
// answer.
void ReplyWriter::begin_answer(std::string_view space) {
  if (!guide_ || !guide_->holds_all()) return;
  const std::vector<TokenId> beginning = guide_->begin();
  put(tokenizer_.encode_plain(space));
  put(beginning);
}

void ReplyWriter::show_given(std::span<const TokenId> tokens) {
  for (const TokenId token : tokens) {
    if (calls_ && !splitter_.in_thought() && calls_->is_tag(token)) {
      show(splitter_.begin_answer());
      show(calls_->push_tag(token));
    } else {
      show(splitter_.give(token));
    }
  }
}

void ReplyWriter::show_token(const SampledToken& sampled) {
  const bool was_thought = splitter_.in_thought();
  if (calls_ && !was_thought && calls_->is_tag(sampled.token)) {
    show(splitter_.begin_answer());
    return show(calls_->push_tag(sampled.token));
  }
  ThoughtSplitter::Text text = splitter_.push(sampled.token);
  // Where tags are text a token may reach past the end of the thought, but not into an answer that is held.
  if (guide_ && guide_->holds_all() && was_thought && !splitter_.in_thought()) text.answer.clear();
  note(sampled, was_thought || splitter_.in_thought() ? thought_notes_ : answer_notes_);
  show(text);
}

void ReplyWriter::note(const SampledToken& sampled, std::vector<TokenText>& tokens) const {
  if (!plan_.top_logprobs || tokenizer_.is_markup(sampled.token)) return;
  TokenText told{sampled.token, std::string(tokenizer_.bytes(sampled.token)), sampled.logprob, {}};
  for (const TokenLogprob& one : sampled.top)
    told.top.push_back({one.token, std::string(tokenizer_.bytes(one.token)), one.logprob});
  tokens.push_back(std::move(told));
}

void ReplyWriter::show(const ThoughtSplitter::Text& text) {
  if (!text.thought.empty()) {
    message_.thought += text.thought;
    if (sink_) sink_(ThoughtEvent{text.thought, std::exchange(thought_notes_, {})});
  }
  if (splitter_.in_thought()) {
    thinking_ = true;
  } else if (splitter_.has_thought() && std::exchange(thinking_, false)) {
    tell_end(end_);
  }
  if (text.answer.empty()) return;
  if (calls_) return show(calls_->push(text.answer));
  send_answer(stops_.push(text.answer));
}

void ReplyWriter::show(std::vector<AnswerPiece> pieces) {
  for (AnswerPiece& piece : pieces) {
    if (stops_.found() != nullptr) return;
    switch (piece.kind) {
      case AnswerPiece::Kind::kText:
        send_answer(stops_.push(piece.text));
        break;
      case AnswerPiece::Kind::kCall:
        begin_call(std::move(piece.text));
        break;
      case AnswerPiece::Kind::kArguments:
        send_arguments(std::move(piece.text));
        break;
      case AnswerPiece::Kind::kCallEnd:
        called_ = true;
        if (!plan_.parallel_tool_calls) return;
    }
  }
}

void ReplyWriter::tell_end(ThoughtEnd how) {
  thought_notes_.clear();  // white space at the end, which is not told
  if (message_.thought.empty()) return;
  thought_end_ = how;
  const std::chrono::duration<double> seconds = Clock::now() - start_;
  if (sink_) sink_(ThoughtEndEvent{seconds.count(), splitter_.thought_tokens(), how});
}

void ReplyWriter::begin_call(std::string name) {
  send_answer(stops_.finish());
  answer_notes_.clear();
  const int index = static_cast<int>(message_.tool_calls.size());
  message_.tool_calls.push_back({new_call_id(), std::move(name), {}});
  const ToolCall& call = message_.tool_calls.back();
  if (sink_) sink_(ToolCallStartEvent{index, call.id, call.name});
}

void ReplyWriter::send_arguments(std::string text) {
  const int index = static_cast<int>(message_.tool_calls.size()) - 1;
  message_.tool_calls.back().arguments += text;
  answer_notes_.clear();
  if (sink_) sink_(ToolArgumentsEvent{index, std::move(text)});
}

void ReplyWriter::send_answer(std::string text) {
  if (stops_.found() != nullptr) keep_notes_of(text, answer_notes_);
  if (text.empty()) return;
  message_.content += text;
  if (sink_) sink_(AnswerEvent{std::move(text), std::exchange(answer_notes_, {})});
}

Reply ReplyWriter::finish(const Generation& generation) {
  begin();
  show(splitter_.finish());
  if (splitter_.in_thought()) tell_end(ThoughtEnd::kUnfinished);
  if (calls_ && (plan_.parallel_tool_calls || !called_)) show(calls_->finish());
  send_answer(stops_.finish());

  Reply reply;
  reply.finish = finish_of(generation);
  if (stops_.found() != nullptr) reply.stop_string = *stops_.found();
  reply.thought_end = thought_end_;
  reply.usage.prompt_tokens = plan_.prompt_tokens;
  reply.usage.completion_tokens = generation.sampled_tokens;
  reply.usage.reasoning_tokens = splitter_.thought_tokens();
  if (generation.sampled_tokens > 1 && generation.seconds > generation.first_token_seconds) {
    reply.timings.decode_tokens_per_second = static_cast<double>(generation.sampled_tokens - 1) /
                                             (generation.seconds - generation.first_token_seconds);
  }
  reply.message = std::move(message_);
  return reply;
}

ReplyFinish ReplyWriter::finish_of(const Generation& generation) const {
  switch (generation.finish) {
    case FinishReason::kStop:
      if (loops_) return ReplyFinish::kLoop;
      if (stops_.found() != nullptr) return ReplyFinish::kStopString;
      return message_.tool_calls.empty() ? ReplyFinish::kStop : ReplyFinish::kToolCalls;
    case FinishReason::kLength:
      return plan_.is_length_the_context ? ReplyFinish::kContext : ReplyFinish::kLength;
    case FinishReason::kContext:
      return ReplyFinish::kContext;
    case FinishReason::kCancelled:
      return ReplyFinish::kCancelled;
  }
  CHECK(false);
}

}  // namespace aloud
