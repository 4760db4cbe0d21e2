// Joins template, session, splitter, budget and stop strings.
#include "chat/reply.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "chat/thought_splitter.h"
#include "engine/stop_strings.h"

namespace aloud {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Before an answer has begun it can neither end nor become another thought; after so many tokens without
// anything visible it can, lest a model that has nothing to say goes on for ever.
constexpr int kMostRefusedTokens = 16;

// Sends what the splitter finds to the sink and decides what the timeline gets.
class Writer : public TokenConsumer {
 public:
  Writer(const Tokenizer& tokenizer, bool starts_in_thought, std::int64_t thought_tokens,
         std::vector<TokenId> closing, const std::vector<std::string>& stops, const EventSink& sink)
      : tokenizer_(tokenizer),
        splitter_(tokenizer, starts_in_thought),
        stops_(stops),
        budget_(thought_tokens),
        closing_(std::move(closing)),
        refused_(tokenizer.ends_of_turn().begin(), tokenizer.ends_of_turn().end()),
        sink_(sink) {
    for (const std::string_view tag : {kThoughtOpen, kThoughtClose})
      refused_.push_back(tokenizer.find_markup(tag));
  }

  std::span<const TokenId> forbidden() const override {
    // Inside a thought the end of the turn may be sampled: it closes the thought.
    if (splitter_.in_thought() || splitter_.has_answer() || empty_tokens_ >= kMostRefusedTokens) return {};
    const std::size_t tags = splitter_.has_thought() ? 0 : 2;  // at the end of the list
    return std::span<const TokenId>(refused_).first(refused_.size() - tags);
  }

  Next take(const SampledToken& sampled) override {
    const TokenId token = sampled.token;
    if (tokenizer_.is_end_of_turn(token)) {
      if (!splitter_.in_thought()) return {.stop = true};
      return {.feed = close_thought(ThoughtEnd::kModel, kNoToken)};
    }
    if (!splitter_.has_answer() && !splitter_.in_thought()) ++empty_tokens_;
    show(splitter_.push(token));
    if (stops_.found()) return {.stop = true};
    if (splitter_.in_thought() && splitter_.thought_tokens() >= budget_) {
      cut_ = true;
      return {.feed = close_thought(ThoughtEnd::kBudget, token)};
    }
    feed_.assign(1, token);
    return {.feed = feed_};
  }

  void finish() {
    show(splitter_.finish());
    if (splitter_.in_thought()) tell_end(ThoughtEnd::kUnfinished);
    send_answer(stops_.finish());
  }

  Message message() && { return {Role::kAssistant, std::move(answer_), std::move(thought_)}; }
  bool thought_cut() const { return cut_; }
  std::int64_t thought_tokens() const { return splitter_.thought_tokens(); }

 private:
  std::span<const TokenId> close_thought(ThoughtEnd how, TokenId after) {
    feed_.clear();
    if (after != kNoToken) feed_.push_back(after);
    feed_.insert(feed_.end(), closing_.begin(), closing_.end());
    end_ = how;
    show(splitter_.close());
    return feed_;
  }

  void show(const ThoughtSplitter::Text& text) {
    if (!text.thought.empty()) {
      thought_ += text.thought;
      if (sink_) sink_(ThoughtEvent{text.thought});
    }
    if (splitter_.in_thought()) {
      thinking_ = true;
    } else if (splitter_.has_thought() && std::exchange(thinking_, false)) {
      tell_end(end_);
    }
    if (!text.answer.empty()) send_answer(stops_.push(text.answer));
  }

  void tell_end(ThoughtEnd how) {
    if (sink_ && !thought_.empty())
      sink_(ThoughtEndEvent{seconds_since(start_), splitter_.thought_tokens(), how});
  }

  void send_answer(std::string text) {
    if (text.empty()) return;
    answer_ += text;
    if (sink_) sink_(AnswerEvent{std::move(text)});
  }

  const Tokenizer& tokenizer_;
  ThoughtSplitter splitter_;
  StopStrings stops_;
  std::int64_t budget_;
  std::vector<TokenId> closing_;
  std::vector<TokenId> refused_;  // the ends of a turn, then the tags of thoughts
  const EventSink& sink_;
  Clock::time_point start_ = Clock::now();
  std::vector<TokenId> feed_;
  std::string thought_;
  std::string answer_;
  ThoughtEnd end_ = ThoughtEnd::kModel;
  bool thinking_ = true;  // a thought that is not there sends no event
  bool cut_ = false;
  int empty_tokens_ = 0;  // of an answer that has not begun
};

}  // namespace

Result<Reply> reply_to(std::span<const Message> messages, const ReplyOptions& options,
                       const ChatTemplate& chat_template, const Tokenizer& tokenizer, Session& session,
                       const EventSink& sink, const std::atomic<bool>* cancel) {
  TRY(check_sampling(options.sampling, tokenizer.size()));
  if (options.max_tokens && *options.max_tokens < 1) {
    return fail("max_tokens: {} is not at least 1", *options.max_tokens);
  }
  const Clock::time_point start = Clock::now();
  TRY_ASSIGN(Prompt prompt, chat_template.prompt(messages, options.thinking));
  const auto prompt_tokens = static_cast<std::int64_t>(prompt.tokens.size());
  const std::vector<TokenId> closing = tokenizer.encode_markup("\n</think>\n\n");
  const auto closing_tokens = static_cast<std::int64_t>(closing.size());
  const ReplyBudget budget =
      plan_reply(options.thinking, options.max_tokens,
                 std::max<std::int64_t>(1, session.context() - prompt_tokens), closing_tokens);
  const bool fits = prompt_tokens < session.context();  // what does not is refused below, as it is
  if (fits && prompt.starts_in_thought && budget.thought_tokens == 0) {
    prompt.tokens.insert(prompt.tokens.end(), closing.begin(), closing.end());
    prompt.starts_in_thought = false;
  }

  Reply reply;
  reply.usage.prompt_tokens = prompt_tokens;
  const Clock::time_point prefill_start = Clock::now();
  TRY_ASSIGN(const Prefill prefill,
             session.read(prompt.tokens, cancel, [&](std::int64_t done, std::int64_t total) {
               if (sink) sink(PrefillEvent{done, total});
             }));
  const double prefill_seconds = seconds_since(prefill_start);
  reply.usage.kept_tokens = prefill.kept_tokens;
  if (prefill_seconds > 0) {
    reply.timings.prefill_tokens_per_second = static_cast<double>(prefill.computed_tokens) / prefill_seconds;
  }
  if (prefill.cancelled) {
    reply.message.role = Role::kAssistant;
    reply.finish = FinishReason::kCancelled;
    return reply;
  }

  const double before_generation_seconds = seconds_since(start);
  Sampler sampler(options.sampling);
  sampler.begin(prompt.tokens);
  Writer writer(tokenizer, prompt.starts_in_thought, budget.thought_tokens, closing, options.stops, sink);
  TRY_ASSIGN(const Generation generation, generate(session, sampler, budget.reply_tokens, writer, cancel));
  writer.finish();

  reply.finish = generation.finish;
  // The whole room was the limit, not a number that somebody gave.
  const bool limit_was_given = options.max_tokens && *options.max_tokens == budget.reply_tokens;
  if (reply.finish == FinishReason::kLength && !limit_was_given) reply.finish = FinishReason::kContext;
  reply.thought_cut = writer.thought_cut();
  reply.usage.completion_tokens = generation.sampled_tokens;
  reply.usage.reasoning_tokens = writer.thought_tokens();
  reply.message = std::move(writer).message();
  reply.timings.time_to_first_token_ms = 1000 * (before_generation_seconds + generation.first_token_seconds);
  if (generation.sampled_tokens > 1 && generation.seconds > generation.first_token_seconds) {
    reply.timings.decode_tokens_per_second = static_cast<double>(generation.sampled_tokens - 1) /
                                             (generation.seconds - generation.first_token_seconds);
  }
  return reply;
}

}  // namespace aloud
