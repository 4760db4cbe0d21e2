// The events of responses: their order and numbers, and that they are the same when they are told again.
#include "api/response_events.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

const Json kHead = {{"id", "resp_1"}, {"object", "response"}, {"model", "tiny"}};

std::vector<ReplyEvent> a_reply() {
  Reply reply;
  reply.usage.prompt_tokens = 7;
  reply.usage.completion_tokens = 5;
  reply.usage.reasoning_tokens = 2;
  reply.usage.kept_tokens = 3;
  return {WaitingEvent{1, 0.5},
          Event(PrefillEvent{7, 7}),
          Event(ThoughtEvent{"Let me ", {}}),
          Event(ThoughtEvent{"see.", {}}),
          Event(ThoughtEndEvent{1.5, 2, ThoughtEnd::kModel}),
          Event(AnswerEvent{"4", {}}),
          Event(ToolCallStartEvent{0, "call_1", "add"}),
          Event(ToolArgumentsEvent{0, "{\"a\":"}),
          Event(ToolArgumentsEvent{0, "1}"}),
          FinishedEvent{reply}};
}

std::vector<ResponseEvent> events_of(const std::vector<ReplyEvent>& reply, const Json& head = kHead) {
  ResponseEvents events(head);
  std::vector<ResponseEvent> all = events.begin();
  for (const ReplyEvent& event : reply) {
    for (ResponseEvent& made : events.hear(event)) all.push_back(std::move(made));
  }
  return all;
}

TEST(ResponseEventsTest, TellItemsInOrder) {
  std::vector<std::string> types;
  for (const ResponseEvent& event : events_of(a_reply())) types.push_back(event.type.substr(9));
  const std::vector<std::string> expected = {"created",
                                             "queued",
                                             "in_progress",
                                             "output_item.added",
                                             "content_part.added",
                                             "reasoning_text.delta",
                                             "reasoning_text.delta",
                                             "reasoning_text.done",
                                             "content_part.done",
                                             "output_item.done",
                                             "output_item.added",
                                             "content_part.added",
                                             "output_text.delta",
                                             "output_text.done",
                                             "content_part.done",
                                             "output_item.done",
                                             "output_item.added",
                                             "function_call_arguments.delta",
                                             "function_call_arguments.delta",
                                             "function_call_arguments.done",
                                             "output_item.done",
                                             "completed"};
  EXPECT_EQ(types, expected);
}

TEST(ResponseEventsTest, AreNumberedAndTheSameAgain) {
  const auto first = events_of(a_reply());
  // What was stored at its end is what it is told again from.
  const auto second = events_of(a_reply(), first.back().data["response"]);
  ASSERT_EQ(first.size(), second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].sequence, static_cast<std::int64_t>(i));
    EXPECT_EQ(first[i].data["sequence_number"], i);
    EXPECT_EQ(first[i].data["type"], first[i].type);
    EXPECT_EQ(to_text(first[i].data), to_text(second[i].data));
  }
}

TEST(ResponseEventsTest, EndWithTheWholeResponse) {
  const Json response = events_of(a_reply()).back().data["response"];
  EXPECT_EQ(response["status"], "completed");
  ASSERT_EQ(response["output"].size(), 3u);
  EXPECT_EQ(response["output"][0]["content"][0]["text"], "Let me see.");
  EXPECT_EQ(response["output"][0]["thought_end"]["reason"], "model");
  EXPECT_EQ(response["output"][1]["content"][0]["text"], "4");
  EXPECT_EQ(response["output"][2]["arguments"], "{\"a\":1}");
  EXPECT_EQ(response["output"][2]["call_id"], "call_1");
  EXPECT_EQ(response["output_text"], "4");
  EXPECT_EQ(response["usage"]["input_tokens"], 7);
  EXPECT_EQ(response["usage"]["input_tokens_details"]["cached_tokens"], 3);
  EXPECT_EQ(response["usage"]["output_tokens_details"]["reasoning_tokens"], 2);
  EXPECT_EQ(response["usage"]["total_tokens"], 12);
}

TEST(ResponseEventsTest, ShowWhatThereIsSoFar) {
  ResponseEvents events(kHead);
  events.begin();
  events.hear(Event(ThoughtEvent{"Hm", {}}));
  const Json response = events.snapshot();
  EXPECT_EQ(response["status"], "in_progress");
  EXPECT_EQ(response["output"][0]["content"][0]["text"], "Hm");
  EXPECT_EQ(response["output"][0]["status"], "in_progress");
}

TEST(ResponseEventsTest, TellHowItEnded) {
  Reply reply;
  reply.finish = ReplyFinish::kCancelled;
  ResponseEvent last = events_of({Event(AnswerEvent{"a", {}}), FinishedEvent{reply}}).back();
  EXPECT_EQ(last.type, "response.incomplete");
  EXPECT_EQ(last.data["response"]["status"], "cancelled");
  EXPECT_EQ(last.data["response"]["output"][0]["status"], "incomplete");
  reply.finish = ReplyFinish::kLength;
  last = events_of({FinishedEvent{reply}}).back();
  EXPECT_EQ(last.type, "response.incomplete");
  EXPECT_EQ(last.data["response"]["incomplete_details"]["reason"], "max_output_tokens");
  last = events_of({FinishedEvent{refuse(RequestErrorKind::kInternal, "it broke")}}).back();
  EXPECT_EQ(last.type, "response.failed");
  EXPECT_EQ(last.data["response"]["error"]["message"], "it broke");
}

}  // namespace
}  // namespace aloud
