// Tests of whole replies on a scripted model: thoughts, budgets, stops, limits, cancellation.
#include "chat/reply.h"

#include <gtest/gtest.h>

#include "chat/small_tokenizer.h"
#include "engine/fake_model.h"

namespace aloud {
namespace {

// The model continues each prompt with a fixed text, and after it for ever with its last token.
class ReplyTest : public ::testing::Test {
 protected:
  struct Heard {
    std::string thought;
    std::string answer;
    int thought_ends = 0;
    ThoughtEndEvent end;
  };

  Result<Reply> ask(std::string_view script, ReplyOptions options = {}, std::int64_t context = 1000,
                    std::atomic<bool>* cancel = nullptr) {
    options.sampling.temperature = 0;
    const std::vector<Message> messages = {{Role::kUser, "hi", {}}};
    auto chat_template = ChatTemplate::create(template_source, *tokenizer);
    auto prompt = chat_template->prompt(messages, options.thinking, tools);
    const auto prompt_tokens = static_cast<std::int64_t>(prompt->tokens.size());
    script_tokens = tokenizer->encode_markup(script);
    model =
        std::make_unique<FakeModel>(tokenizer->size(), [this, prompt_tokens](std::span<const TokenId> all) {
          return next_token(all.subspan(static_cast<std::size_t>(prompt_tokens)));
        });
    session = std::make_unique<Session>(*model, tokenizer->size(), context);
    heard = {};
    return reply_to(
        messages, options, *chat_template, *tokenizer, *session,
        [&](const Event& event) { hear(event, cancel); }, cancel);
  }

  // Follows the script; once the thought was closed from outside it goes on with what the script says after
  // its tag.
  TokenId next_token(std::span<const TokenId> reply) {
    const TokenId close = tokenizer->find_markup("</think>");
    std::size_t at = reply.size();
    const auto closed = std::find(reply.begin(), reply.end(), close);
    if (closed != reply.end()) {
      const auto scripted = std::find(script_tokens.begin(), script_tokens.end(), close);
      if (scripted != script_tokens.end()) {
        at = static_cast<std::size_t>(scripted - script_tokens.begin() + (reply.end() - closed));
      }
    }
    return script_tokens[std::min(at, script_tokens.size() - 1)];
  }

  void hear(const Event& event, std::atomic<bool>* cancel) {
    if (const auto* thought = std::get_if<ThoughtEvent>(&event)) {
      EXPECT_FALSE(thought->text.empty());
      heard.thought += thought->text;
      if (cancel != nullptr && heard.thought.size() >= 3) *cancel = true;
    } else if (const auto* end = std::get_if<ThoughtEndEvent>(&event)) {
      ++heard.thought_ends;
      heard.end = *end;
      EXPECT_TRUE(heard.answer.empty());
    } else if (const auto* answer = std::get_if<AnswerEvent>(&event)) {
      EXPECT_FALSE(answer->text.empty());
      heard.answer += answer->text;
    }
  }

  std::unique_ptr<Tokenizer> tokenizer = make_thinking_tokenizer();
  std::string template_source =
      "{{ bos_token }}{% for m in messages %}{{ '<｜User｜>' + m.content }}{% endfor %}"
      "{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}";
  std::vector<Tool> tools;  // that the prompt is expected to show
  std::vector<TokenId> script_tokens;
  std::unique_ptr<FakeModel> model;
  std::unique_ptr<Session> session;
  Heard heard;
};

constexpr std::string_view kEnd = "<｜end▁of▁sentence｜>";

TEST_F(ReplyTest, ThoughtThenAnswer) {
  const auto reply = ask("hm, 27*14\n</think>\n\n**378**<｜end▁of▁sentence｜>");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->message.thought, "hm, 27*14");
  EXPECT_EQ(reply->message.content, "**378**");
  EXPECT_EQ(reply->finish, ReplyFinish::kStop);
  EXPECT_EQ(reply->thought_end, ThoughtEnd::kModel);
  EXPECT_EQ(reply->usage.prompt_tokens, 7);  // BOS, user, h, i, assistant, tag, line end
  EXPECT_EQ(reply->usage.completion_tokens, 21);
  EXPECT_EQ(reply->usage.reasoning_tokens, 11);
  EXPECT_EQ(heard.thought, reply->message.thought);
  EXPECT_EQ(heard.answer, reply->message.content);
  EXPECT_EQ(heard.thought_ends, 1);
  EXPECT_EQ(heard.end.tokens, 11);
  EXPECT_GT(reply->timings.time_to_first_token_ms, 0);
}

TEST_F(ReplyTest, ABudgetClosesTheThoughtAndTheModelAnswers) {
  ReplyOptions options;
  options.thinking.budget_tokens = 5;
  const auto reply = ask("never ending thought</think>\n\nyes<｜end▁of▁sentence｜>", options);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->message.thought, "never");
  EXPECT_EQ(reply->message.content, "yes");
  EXPECT_EQ(reply->thought_end, ThoughtEnd::kBudget);
  EXPECT_EQ(heard.end.how, ThoughtEnd::kBudget);
  EXPECT_EQ(reply->usage.reasoning_tokens, 5);
  // On the timeline the thought is closed as the model would have closed it.
  std::string timeline;
  for (const TokenId token : session->tokens()) timeline += tokenizer->bytes(token);
  EXPECT_NE(timeline.find("<think>\nnever\n</think>\n\nyes"), std::string::npos) << timeline;
}

TEST_F(ReplyTest, AThoughtThatNeverEndsLeavesRoomForAnAnswer) {
  // Without any budget, in a small context and with few tokens.
  for (const std::int64_t context : {20, 40, 400}) {
    const auto reply = ask("hmm", {}, context);
    ASSERT_TRUE(reply);
    EXPECT_FALSE(reply->message.content.empty()) << context;
    EXPECT_EQ(reply->finish, ReplyFinish::kContext) << context;
    EXPECT_LE(session->length(), context);
  }
  for (std::int64_t most = 1; most < 20; ++most) {
    ReplyOptions options;
    options.max_tokens = most;
    const auto reply = ask("hmm", options);
    ASSERT_TRUE(reply);
    EXPECT_FALSE(reply->message.content.empty()) << most;
    EXPECT_EQ(reply->finish, ReplyFinish::kLength);
    EXPECT_EQ(reply->usage.completion_tokens, most);
  }
}

TEST_F(ReplyTest, ABudgetOfNothing) {
  ReplyOptions options;
  options.thinking.budget_tokens = 0;
  const auto reply = ask("x</think>\n\nyes<｜end▁of▁sentence｜>", options);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->message.thought, "");
  EXPECT_EQ(reply->message.content, "yes");
  EXPECT_EQ(reply->usage.reasoning_tokens, 0);
  EXPECT_EQ(heard.thought_ends, 0);
}

TEST_F(ReplyTest, TheEndOfTheTurnInsideAThoughtClosesIt) {
  // The model ends its turn without having answered; asked again it says yes.
  template_source = "{{ bos_token }}<think>\n";
  const std::string script = "hm" + std::string(kEnd) + "!!!!yes" + std::string(kEnd);
  const auto reply = ask(script);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->message.thought, "hm");
  EXPECT_EQ(heard.end.how, ThoughtEnd::kModel);
  EXPECT_FALSE(reply->message.content.empty());
  EXPECT_EQ(reply->finish, ReplyFinish::kStop);
}

TEST_F(ReplyTest, AnAnswerIsNotOverBeforeItBegan) {
  // The likeliest token is the end; of the others, all alike, greedy takes the lowest id until something is
  // visible.
  const auto reply = ask("hm</think><｜end▁of▁sentence｜>");
  ASSERT_TRUE(reply);
  EXPECT_FALSE(reply->message.content.empty());
  EXPECT_EQ(reply->finish, ReplyFinish::kStop);
}

TEST_F(ReplyTest, StopStringsEndAnswersButNotThoughts) {
  ReplyOptions options;
  options.stops = {"END", "27"};
  const auto reply = ask("27 END\n</think>\n\nso it is E or EN or ENDING<｜end▁of▁sentence｜>", options);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->message.thought, "27 END");
  EXPECT_EQ(reply->message.content, "so it is E or EN or ");
  EXPECT_EQ(heard.answer, reply->message.content);
  EXPECT_EQ(reply->finish, ReplyFinish::kStopString);
  EXPECT_EQ(reply->stop_string, "END");
}

TEST_F(ReplyTest, WhatAStopStringHeldBackComesAtTheEnd) {
  ReplyOptions options;
  options.stops = {"END"};
  const auto reply = ask("x</think>the EN<｜end▁of▁sentence｜>", options);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->message.content, "the EN");
  EXPECT_EQ(heard.answer, "the EN");
}

TEST_F(ReplyTest, CancellationKeepsWhatIsThere) {
  std::atomic<bool> cancel{false};
  const auto reply = ask("hmm hmm</think>yes<｜end▁of▁sentence｜>", {}, 1000, &cancel);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->finish, ReplyFinish::kCancelled);
  EXPECT_EQ(reply->message.thought, "hmm");
  EXPECT_EQ(reply->message.content, "");
  EXPECT_EQ(heard.thought_ends, 1);
  EXPECT_EQ(heard.end.how, ThoughtEnd::kUnfinished);
  cancel = true;
  const auto nothing = ask("x</think>yes", {}, 1000, &cancel);
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->finish, ReplyFinish::kCancelled);
  EXPECT_EQ(nothing->usage.completion_tokens, 0);
}

TEST_F(ReplyTest, ThinkingOffNeverThinks) {
  ReplyOptions options;
  options.thinking.enabled = false;
  // Even when the model opens a thought by itself: the tag is refused at first and text later.
  for (const char* script : {"yes<｜end▁of▁sentence｜>", "<think>no</think>yes<｜end▁of▁sentence｜>"}) {
    const auto reply = ask(script, options);
    ASSERT_TRUE(reply);
    EXPECT_EQ(heard.thought_ends, 0);
    EXPECT_FALSE(reply->message.content.empty());
  }
  EXPECT_EQ(ask("yes<｜end▁of▁sentence｜>", options)->message.content, "yes");
}

TEST_F(ReplyTest, PromptsThatDoNotFitAndBadParameters) {
  const auto refused = ask("x", {}, 7);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("7 tokens"), std::string::npos) << refused.error().message;
  ReplyOptions options;
  options.sampling.top_p = 2;
  EXPECT_FALSE(ask("x", options));
  options = {};
  options.max_tokens = 0;
  EXPECT_FALSE(ask("x", options));
}

TEST_F(ReplyTest, AThoughtInAnotherLanguage) {
  ReplyOptions options;
  options.thinking.language = "de";
  const std::string opening = "Gut, ich denke auf Deutsch. ";
  const std::int64_t written = std::ssize(opening);
  const auto with = ask(std::string(opening) + "hm</think>\n\nja<｜end▁of▁sentence｜>", options);
  ASSERT_TRUE(with) << with.error().message;
  EXPECT_EQ(with->message.thought, opening + "hm");
  EXPECT_EQ(heard.thought, with->message.thought);
  EXPECT_EQ(with->usage.reasoning_tokens, 3);
  EXPECT_EQ(with->usage.prompt_tokens, 7 + written);
  EXPECT_EQ(with->message.content, "ja");
  // Also where the model would have begun its thought by itself, but not where it may not think.
  template_source = "{{ bos_token }}";
  EXPECT_EQ(ask("<think>\n" + opening + "hm</think>ja<｜end▁of▁sentence｜>", options)->message.thought,
            opening + "hm");
  options.thinking.enabled = false;
  EXPECT_EQ(ask("ja<｜end▁of▁sentence｜>", options)->message.thought, "");
  options.thinking.language = "xx";
  const auto unknown = ask("x", options);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("\"xx\" is none of en zh"), std::string::npos)
      << unknown.error().message;
}

TEST_F(ReplyTest, ToolsThatMakeNoSenseAreRefused) {
  ReplyOptions options;
  const auto error = [&] {
    const auto reply = ask("x", options);
    return reply ? std::string("none") : reply.error().message;
  };
  options.tools = {{.name = "a"}, {.name = "<think>"}};
  EXPECT_NE(error().find("tools[1]"), std::string::npos) << error();
  options.tools = {{.name = "a"}, {.name = "a"}};
  EXPECT_NE(error().find("more than one"), std::string::npos) << error();
  options.tools = {{.name = "a"}};
  options.tool_choice = {ToolChoice::Kind::kNamed, "b"};
  EXPECT_NE(error().find("no tool \"b\""), std::string::npos) << error();
  options.tools.clear();
  options.tool_choice = {ToolChoice::Kind::kRequired, {}};
  EXPECT_NE(error().find("no tools"), std::string::npos) << error();
}

TEST_F(ReplyTest, ToolsAreShownUnlessNoneMayBeCalled) {
  tokenizer = make_tokenizer({.control = {"<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"},
                              .markup = {"<think>", "</think>", "<tool_call>", "</tool_call>"}});
  template_source = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}<think>\n";
  ReplyOptions options;
  options.tools = {{.name = "look"}};
  const std::string script =
      "</think><tool_call>{\"name\": \"look\", \"arguments\": {}}</tool_call><｜end▁of▁sentence｜>";
  tools = options.tools;
  const auto called = ask(script, options);
  ASSERT_TRUE(called) << called.error().message;
  EXPECT_EQ(called->finish, ReplyFinish::kToolCalls);
  ASSERT_EQ(called->message.tool_calls.size(), 1u);
  EXPECT_GT(called->usage.prompt_tokens, 200);
  options.tool_choice.kind = ToolChoice::Kind::kNone;
  tools.clear();
  const auto talked = ask(script, options);
  ASSERT_TRUE(talked);
  EXPECT_TRUE(talked->message.tool_calls.empty());
  EXPECT_EQ(talked->message.content.find("<tool_call>"), std::string::npos);
  EXPECT_LT(talked->usage.prompt_tokens, 20);
}

TEST_F(ReplyTest, TheSecondTurnKeepsTheFirst) {
  const std::vector<Message> first = {{Role::kUser, "a long enough question", {}}};
  ReplyOptions options;
  options.sampling.temperature = 0;
  auto chat_template = ChatTemplate::create(
      "{{ bos_token }}{% for m in messages %}<｜User｜>{{ m.content }}{% endfor %}", *tokenizer);
  model = std::make_unique<FakeModel>(tokenizer->size(), [this](auto) { return tokenizer->eos(); });
  session = std::make_unique<Session>(*model, tokenizer->size(), 200);
  ASSERT_TRUE(reply_to(first, options, *chat_template, *tokenizer, *session));
  std::vector<Message> second = first;
  second.push_back({Role::kAssistant, "ok", {}});
  second.push_back({Role::kUser, "and?", {}});
  const auto reply = reply_to(second, options, *chat_template, *tokenizer, *session);
  ASSERT_TRUE(reply);
  EXPECT_GE(reply->usage.kept_tokens, 23);
  EXPECT_LT(reply->usage.kept_tokens, reply->usage.prompt_tokens);
}

}  // namespace
}  // namespace aloud
