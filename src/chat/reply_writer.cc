// Joins splitter, budget and stop strings.
#include "chat/reply_writer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

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

ReplyWriter::ReplyWriter(const Tokenizer& tokenizer, ReplyPlan plan, EventSink sink)
    : tokenizer_(tokenizer),
      plan_(std::move(plan)),
      sink_(std::move(sink)),
      splitter_(tokenizer, plan_.starts_in_thought),
      stops_(plan_.stops),
      refused_(tokenizer.ends_of_turn().begin(), tokenizer.ends_of_turn().end()) {
  for (const std::string_view tag : {kThoughtOpen, kThoughtClose})
    refused_.push_back(tokenizer.find_markup(tag));
}

std::span<const TokenId> ReplyWriter::forbidden() const {
  // Inside a thought the end of the turn may be sampled: it closes the thought.
  if (splitter_.in_thought() || splitter_.has_answer() || empty_tokens_ >= kMostRefusedTokens) return {};
  const std::size_t tags = splitter_.has_thought() ? 0 : 2;  // at the end of the list
  return std::span<const TokenId>(refused_).first(refused_.size() - tags);
}

TokenConsumer::Next ReplyWriter::take(const SampledToken& sampled) {
  if (!start_) start_ = Clock::now();
  const TokenId token = sampled.token;
  const bool was_thought = splitter_.in_thought();
  if (tokenizer_.is_end_of_turn(token)) {
    if (!was_thought) return {.stop = true};
    return {.feed = close_thought(ThoughtEnd::kModel, kNoToken)};
  }
  if (!splitter_.has_answer() && !was_thought) ++empty_tokens_;
  const ThoughtSplitter::Text text = splitter_.push(token);
  note(sampled, was_thought || splitter_.in_thought() ? thought_notes_ : answer_notes_);
  show(text);
  if (stops_.found() != nullptr) return {.stop = true};
  if (splitter_.in_thought()) {
    if (asked_.load(std::memory_order_relaxed)) return {.feed = close_thought(ThoughtEnd::kAsked, token)};
    if (splitter_.thought_tokens() >= plan_.thought_tokens)
      return {.feed = close_thought(ThoughtEnd::kBudget, token)};
  }
  feed_.assign(1, token);
  return {.feed = feed_};
}

std::span<const TokenId> ReplyWriter::close_thought(ThoughtEnd how, TokenId after) {
  feed_.clear();
  if (after != kNoToken) feed_.push_back(after);
  feed_.insert(feed_.end(), plan_.closing.begin(), plan_.closing.end());
  end_ = how;
  show(splitter_.close());
  return feed_;
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
  if (!text.answer.empty()) send_answer(stops_.push(text.answer));
}

void ReplyWriter::tell_end(ThoughtEnd how) {
  thought_notes_.clear();  // white space at the end, which is not told
  if (message_.thought.empty()) return;
  thought_end_ = how;
  const double seconds = start_ ? std::chrono::duration<double>(Clock::now() - *start_).count() : 0;
  if (sink_) sink_(ThoughtEndEvent{seconds, splitter_.thought_tokens(), how});
}

void ReplyWriter::send_answer(std::string text) {
  if (stops_.found() != nullptr) keep_notes_of(text, answer_notes_);
  if (text.empty()) return;
  message_.content += text;
  if (sink_) sink_(AnswerEvent{std::move(text), std::exchange(answer_notes_, {})});
}

Reply ReplyWriter::finish(const Generation& generation) {
  show(splitter_.finish());
  if (splitter_.in_thought()) tell_end(ThoughtEnd::kUnfinished);
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
      return stops_.found() != nullptr ? ReplyFinish::kStopString : ReplyFinish::kStop;
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
