// Tests of the writer alone: what it tells of the tokens that it takes, and when somebody asks it to answer.
#include "chat/reply_writer.h"

#include <gtest/gtest.h>

#include "chat/small_tokenizer.h"

namespace aloud {
namespace {

class ReplyWriterTest : public ::testing::Test {
 protected:
  ReplyWriter writer(ReplyPlan plan) {
    plan.closing = tokenizer->encode_markup("\n</think>\n\n");
    if (plan.thought_tokens == 0) plan.thought_tokens = 1000;
    return ReplyWriter(*tokenizer, std::move(plan), [this](const Event& event) { events.push_back(event); });
  }

  // Lets the writer take the tokens of text until it stops; what went onto the timeline.
  std::string feed(ReplyWriter& writer, std::string_view text) {
    std::string fed;
    for (const TokenId token : tokenizer->encode_markup(text)) {
      const TokenLogprob top[] = {{token, -0.5f}, {'x', -1.0f}};
      const TokenConsumer::Next next = writer.take({.token = token, .logprob = -0.5f, .top = top});
      for (const TokenId one : next.feed) fed += tokenizer->bytes(one);
      ++taken;
      if (next.stop) break;
    }
    return fed;
  }

  template <class T>
  std::vector<T> heard() const {
    std::vector<T> all;
    for (const Event& event : events)
      if (const T* one = std::get_if<T>(&event)) all.push_back(*one);
    return all;
  }

  template <class T>
  std::string bytes_of_tokens() const {
    std::string bytes;
    for (const T& event : heard<T>())
      for (const TokenText& token : event.tokens) bytes += token.bytes;
    return bytes;
  }

  Generation stopped() const { return {.finish = FinishReason::kStop, .sampled_tokens = taken}; }

  const std::unique_ptr<Tokenizer> tokenizer = make_thinking_tokenizer();
  std::vector<Event> events;
  std::int64_t taken = 0;
};

TEST_F(ReplyWriterTest, SaysWhichTokensATextCameFrom) {
  ReplyWriter one = writer({.starts_in_thought = true, .stops = {"STOP"}, .top_logprobs = 2});
  feed(one, "a 想\n</think>\n\nyes, 是ST. STOP here");
  EXPECT_EQ(one.finish(stopped()).message.content, "yes, 是ST. ");
  EXPECT_EQ(bytes_of_tokens<ThoughtEvent>(), "a 想");
  EXPECT_EQ(bytes_of_tokens<AnswerEvent>(), "\n\nyes, 是ST. ");
  const TokenText first = heard<ThoughtEvent>()[0].tokens[0];
  EXPECT_EQ(first.token, 'a');
  EXPECT_EQ(first.logprob, -0.5f);
  ASSERT_EQ(first.top.size(), 2u);
  EXPECT_EQ(first.top[1].bytes, "x");
  // Nobody asked.
  events.clear();
  ReplyWriter other = writer({.starts_in_thought = true});
  feed(other, "a</think>b");
  EXPECT_EQ(bytes_of_tokens<ThoughtEvent>() + bytes_of_tokens<AnswerEvent>(), "");
}

TEST_F(ReplyWriterTest, EndsTheThoughtWhenAsked) {
  ReplyWriter one = writer({.starts_in_thought = true});
  feed(one, "hm");
  one.end_thinking();
  EXPECT_EQ(feed(one, "m"), "m\n</think>\n\n");
  EXPECT_EQ(heard<ThoughtEndEvent>()[0].how, ThoughtEnd::kAsked);
  EXPECT_EQ(feed(one, "yes"), "yes");
  const Reply reply = one.finish(stopped());
  EXPECT_EQ(reply.message.thought, "hmm");
  EXPECT_EQ(reply.message.content, "yes");
  EXPECT_EQ(reply.thought_end, ThoughtEnd::kAsked);
}

TEST_F(ReplyWriterTest, AThoughtThatIsUnwantedBeforeItBegins) {
  ReplyWriter one = writer({.starts_in_thought = false});
  one.end_thinking();
  EXPECT_EQ(feed(one, "<think>"), "<think>\n</think>\n\n");
  feed(one, "yes");
  EXPECT_EQ(one.finish(stopped()).message.content, "yes");
  EXPECT_TRUE(heard<ThoughtEndEvent>().empty());
}

}  // namespace
}  // namespace aloud
