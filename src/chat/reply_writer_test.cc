// Tests of the writer alone: what it tells of the tokens that it takes, and when somebody asks it to answer.
#include "chat/reply_writer.h"

#include <gtest/gtest.h>

#include <thread>

#include "chat/small_tokenizer.h"

namespace aloud {
namespace {

class ReplyWriterTest : public ::testing::Test {
 protected:
  ReplyWriter writer(ReplyPlan plan) {
    plan.closing = tokenizer->encode_markup("\n</think>\n\n");
    if (plan.thought_tokens == 0) plan.thought_tokens = 1000;
    return ReplyWriter(*tokenizer, std::move(plan), std::nullopt,
                       [this](const Event& event) { events.push_back(event); });
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

  // "call index name arguments" of what was told.
  std::string calls() const {
    std::string text;
    for (const Event& event : events) {
      if (const auto* start = std::get_if<ToolCallStartEvent>(&event))
        text += fmt::format("call {} {} ", start->index, start->name);
      if (const auto* more = std::get_if<ToolArgumentsEvent>(&event)) text += more->text;
    }
    return text;
  }

  const std::unique_ptr<Tokenizer> tokenizer =
      make_tokenizer({.control = {"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"},
                      .markup = {"<think>", "</think>", "<tool_call>", "</tool_call>"}});
  std::vector<Event> events;
  std::int64_t taken = 0;
};

constexpr std::string_view kCall =
    "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"STOP 天\"}}\n</tool_call>";

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

TEST_F(ReplyWriterTest, TellsCallsOfTools) {
  ReplyWriter one = writer({.stops = {"STOP"}, .tools = {"look"}});
  feed(one, "I look.\n\n" + std::string(kCall) + "\n" + std::string(kCall) + "<｜end▁of▁sentence｜>");
  const Reply reply = one.finish(stopped());
  EXPECT_EQ(calls(), "call 0 look {\"at\": \"STOP 天\"}call 1 look {\"at\": \"STOP 天\"}");
  EXPECT_EQ(reply.message.content, "I look.");
  EXPECT_EQ(reply.finish, ReplyFinish::kToolCalls);
  ASSERT_EQ(reply.message.tool_calls.size(), 2u);
  EXPECT_EQ(reply.message.tool_calls[1].arguments, "{\"at\": \"STOP 天\"}");
  EXPECT_NE(reply.message.tool_calls[0].id, reply.message.tool_calls[1].id);
  EXPECT_EQ(reply.message.tool_calls[0].id, heard<ToolCallStartEvent>()[0].id);
}

TEST_F(ReplyWriterTest, OneCallIsEnoughWhereTheyMayNotBeParallel) {
  ReplyWriter one = writer({.tools = {"look"}, .parallel_tool_calls = false});
  const std::string fed = feed(one, std::string(kCall) + "\n" + std::string(kCall));
  EXPECT_EQ(std::size_t{1}, one.finish(stopped()).message.tool_calls.size());
  EXPECT_EQ(fed, std::string(kCall.substr(0, kCall.rfind("</tool_call>"))));
}

TEST_F(ReplyWriterTest, CallsInThoughtsAreThoughts) {
  ReplyWriter one = writer({.starts_in_thought = true, .tools = {"look"}});
  feed(one, "Shall I?\n" + std::string(kCall) + "</think>\n\nNo.<｜end▁of▁sentence｜>");
  const Reply reply = one.finish(stopped());
  EXPECT_EQ(reply.message.thought, "Shall I?\n" + std::string(kCall));
  EXPECT_EQ(reply.message.content, "No.");
  EXPECT_TRUE(reply.message.tool_calls.empty());
  EXPECT_EQ(reply.finish, ReplyFinish::kStop);
}

TEST_F(ReplyWriterTest, WithoutToolsNothingIsACall) {
  ReplyWriter one = writer({});
  feed(one, kCall);
  EXPECT_EQ(one.finish(stopped()).message.content, kCall);
}

TEST_F(ReplyWriterTest, AStopStringBeforeACallEndsTheReply) {
  ReplyWriter one = writer({.stops = {"STOP"}, .tools = {"look"}});
  feed(one, "x STOP" + std::string(kCall));
  const Reply reply = one.finish(stopped());
  EXPECT_EQ(reply.message.content, "x ");
  EXPECT_EQ(reply.finish, ReplyFinish::kStopString);
  EXPECT_TRUE(reply.message.tool_calls.empty());
  // What only began a stop string stays text before a call.
  ReplyWriter other = writer({.stops = {"STOP"}, .tools = {"look"}});
  feed(other, "x ST\n" + std::string(kCall));
  EXPECT_EQ(other.finish(stopped()).message.content, "x ST");
}

TEST_F(ReplyWriterTest, AThoughtThatGoesRoundIsWoundDown) {
  std::string circles;
  for (int i = 0; i < 100; ++i) circles += "Wait, let me check that again. ";
  ReplyWriter one = writer({.starts_in_thought = true});
  std::string fed;
  for (const char c : circles) {
    fed += feed(one, {&c, 1});
    if (!heard<ThoughtEndEvent>().empty()) break;
  }
  EXPECT_LT(taken, 400);
  EXPECT_TRUE(fed.ends_with("answer with what I have.\n</think>\n\n")) << fed;
  EXPECT_EQ(heard<ThoughtEndEvent>()[0].how, ThoughtEnd::kLoop);
  EXPECT_EQ(heard<ThoughtEndEvent>()[0].tokens, taken);  // the words that were put in are not counted
  feed(one, "yes<｜end▁of▁sentence｜>");
  const Reply reply = one.finish(stopped());
  EXPECT_TRUE(reply.message.thought.ends_with("answer with what I have."));
  EXPECT_EQ(reply.message.content, "yes");
  EXPECT_EQ(reply.finish, ReplyFinish::kStop);
  // Not where nobody looks.
  taken = 0;
  ReplyWriter blind = writer({.starts_in_thought = true, .thought_tokens = 1 << 20, .detect_loops = false});
  feed(blind, circles);
  EXPECT_EQ(taken, std::ssize(circles));
}

TEST_F(ReplyWriterTest, AnAnswerThatGoesRoundEnds) {
  std::string circles;
  for (int i = 0; i < 100; ++i) circles += "I am sorry. ";
  ReplyWriter one = writer({});
  feed(one, circles);
  EXPECT_LT(taken, 1000);
  EXPECT_EQ(one.finish(stopped()).finish, ReplyFinish::kLoop);
}

TEST_F(ReplyWriterTest, WhatWasWrittenForTheModelBelongsToTheReply) {
  ReplyPlan plan{.starts_in_thought = true, .thought_tokens = 4};
  plan.given = tokenizer->encode_plain("Gut. ");
  ReplyWriter one = writer(plan);
  EXPECT_TRUE(feed(one, "abcd").ends_with("</think>\n\n"));
  feed(one, "ja");
  const Reply reply = one.finish(stopped());
  EXPECT_EQ(reply.message.thought, "Gut. abcd");
  EXPECT_EQ(reply.usage.reasoning_tokens, 4);
}

TEST_F(ReplyWriterTest, ThreadsMayAskWhileItWrites) {
  ReplyWriter one = writer({.starts_in_thought = true, .thought_tokens = 1 << 20, .detect_loops = false});
  std::thread asker([&] { one.end_thinking(); });
  while (heard<ThoughtEndEvent>().empty()) feed(one, "x");
  asker.join();
  EXPECT_EQ(heard<ThoughtEndEvent>()[0].how, ThoughtEnd::kAsked);
}

}  // namespace
}  // namespace aloud
