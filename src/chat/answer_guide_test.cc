// Tests of answers and calls that are held to grammars, on a model that would rather say anything else.
#include "chat/answer_guide.h"

#include <gtest/gtest.h>

#include <set>

#include "chat/reply.h"
#include "chat/small_tokenizer.h"

namespace aloud {
namespace {

using Json = nlohmann::ordered_json;

const Json kCitySchema = Json::parse(R"({"type": "object", "properties": {"city": {"enum": ["Rome", "Oslo"]}},
                                         "required": ["city"], "additionalProperties": false})");

// A model that draws at random, but ends thoughts after a while.
class AnswerGuideTest : public ::testing::Test {
 protected:
  Result<Reply> ask(ReplyOptions options, std::uint64_t seed = 1) {
    options.sampling.temperature = 1;
    options.sampling.top_p = 1;
    options.sampling.seed = seed;
    if (!options.max_tokens) options.max_tokens = 400;
    if (!options.thinking.budget_tokens) options.thinking.budget_tokens = 5;
    const GrammarVocabulary vocabulary(*tokenizer);
    const auto chat_template = ChatTemplate::create(template_source, *tokenizer);
    events.clear();
    auto prepared = prepare_reply({}, options, *chat_template, *tokenizer, &vocabulary, 4000,
                                  [this](const Event& event) { events.push_back(event); });
    if (!prepared) return pass_error(std::move(prepared));
    prompt_bytes.clear();
    for (const TokenId token : prepared->prompt) prompt_bytes += tokenizer->bytes(token);
    Sampler sampler(options.sampling);
    sampler.begin(prepared->prompt);
    Generation generation;
    const ReplyRoom room{.max_tokens = prepared->max_tokens, .context_tokens = 4000};
    timeline.clear();
    for (;;) {
      // All alike, so that only masks decide; `likes` is what the model would say first.
      std::vector<float> logits(static_cast<std::size_t>(tokenizer->size()), 0.0f);
      const auto at = static_cast<std::size_t>(generation.sampled_tokens);
      if (at < likes.size()) logits[static_cast<std::size_t>(likes[at])] = 100;
      ReplyWriter& writer = *prepared->writer;
      const DrawnToken drawn = draw(logits, sampler, DrawWishes::of(writer));
      const auto next = hand_over(drawn, sampler, writer, room, generation);
      if (!next) return pass_error(next);
      if (next->empty()) break;
      for (const TokenId token : *next) timeline += tokenizer->bytes(token);
    }
    return prepared->writer->finish(generation);
  }

  static std::shared_ptr<const Grammar> schema(const Json& json) {
    auto grammar = Grammar::from_json_schema(json);
    EXPECT_TRUE(grammar) << grammar.error().message;
    return *grammar;
  }

  std::unique_ptr<Tokenizer> tokenizer =
      make_tokenizer({.control = {"<s>", "</s>", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>",
                                  "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "<｜tool▁sep｜>"},
                      .markup = {"<think>", "</think>", "<tool_call>", "</tool_call>"}});
  std::string template_source = "{{ bos_token }}<think>\n";
  std::vector<TokenId> likes;
  std::vector<Event> events;
  std::string prompt_bytes, timeline;
};

TEST_F(AnswerGuideTest, AnAnswerKeepsToItsGrammar) {
  ReplyOptions options;
  options.answer_grammar = schema(kCitySchema);
  options.stops = {"city"};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto reply = ask(options, seed);
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->finish, ReplyFinish::kStop);
    const Json answer = Json::parse(reply->message.content, nullptr, false);
    EXPECT_TRUE(answer["city"] == "Rome" || answer["city"] == "Oslo") << reply->message.content;
    EXPECT_EQ(reply->usage.reasoning_tokens, 5);
    EXPECT_EQ(answer.size(), 1u);
  }
}

TEST_F(AnswerGuideTest, WithoutAThoughtAndWhereTheModelWouldOpenOne) {
  ReplyOptions options;
  options.answer_grammar = *Grammar::from_regex("(yes|no)");
  template_source = "{{ bos_token }}";  // thoughts are the model's own idea
  const auto thought = ask(options);
  ASSERT_TRUE(thought) << thought.error().message;
  EXPECT_TRUE(prompt_bytes.ends_with("<think>\n")) << prompt_bytes;
  EXPECT_EQ(thought->usage.reasoning_tokens, 5);
  EXPECT_TRUE(thought->message.content == "yes" || thought->message.content == "no")
      << thought->message.content;
  options.thinking.enabled = false;
  const auto none = ask(options);
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->message.content == "yes" || none->message.content == "no");
  EXPECT_EQ(none->usage.reasoning_tokens, 0);
}

TEST_F(AnswerGuideTest, TheModelClosesItsThoughtByItself) {
  ReplyOptions options;
  options.answer_grammar = *Grammar::from_regex("(yes|no)");
  options.thinking.budget_tokens = 100;
  likes = tokenizer->encode_markup("hm</think>");
  const auto reply = ask(options);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->message.thought, "hm");
  EXPECT_TRUE(timeline.starts_with("hm</think>\n\n")) << timeline;
  EXPECT_TRUE(reply->message.content == "yes" || reply->message.content == "no") << reply->message.content;
}

TEST_F(AnswerGuideTest, AnAnswerThatIsCutSaysSo) {
  ReplyOptions options;
  options.answer_grammar = *Grammar::from_regex("a{300}");
  options.max_tokens = 20;
  options.detect_loops = false;
  const auto reply = ask(options);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->finish, ReplyFinish::kLength);
  EXPECT_EQ(reply->message.content, std::string(15, 'a'));
}

TEST_F(AnswerGuideTest, ACallThatIsDemanded) {
  // How templates show calls decides the syntax.
  const std::pair<std::string, ToolSyntax> families[] = {
      {"<tool_call>\n{\"name\": \"' + c.function.name + '\", \"arguments\": ' + (c.function.arguments | "
       "tojson) + '}\n</tool_call>",
       ToolSyntax::kHermes},
      {"{\"name\": \"' + c.function.name + '\", \"parameters\": ' + (c.function.arguments | tojson) + '}",
       ToolSyntax::kLlama},
      {"function<｜tool▁sep｜>' + c.function.name + '\n```json\n' + (c.function.arguments | tojson) + '\n```",
       ToolSyntax::kDeepSeekR1},
      {"<｜tool▁call▁begin｜>' + c.function.name + '<｜tool▁sep｜>' + (c.function.arguments | tojson) + '",
       ToolSyntax::kDeepSeekV31}};
  ReplyOptions options;
  options.tools = {
      {.name = "get_city", .parameters = kCitySchema},
      {.name = "get", .parameters = {{"type", "object"}, {"patternProperties", 5}}},  // nothing to rely on
      {.name = "a.b/c", .parameters = nullptr}};
  for (const auto& [call, syntax] : families) {
    template_source = "{{ bos_token }}{% for m in messages %}{{ m.content }}{% for c in m.tool_calls %}{{ '" +
                      call + "' }}{% endfor %}{% endfor %}<think>\n";
    ASSERT_EQ(ChatTemplate::create(template_source, *tokenizer)->tool_syntax(), syntax);
    std::set<std::string> called;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      const bool named = seed % 2 == 0;
      options.tool_choice = {named ? ToolChoice::Kind::kNamed : ToolChoice::Kind::kRequired,
                             named ? "get_city" : ""};
      options.thinking.enabled = seed % 3 != 0;
      const auto reply = ask(options, seed);
      ASSERT_TRUE(reply) << reply.error().message;
      ASSERT_EQ(reply->message.tool_calls.size(), 1u) << prompt_bytes << timeline;
      const ToolCall& made = reply->message.tool_calls[0];
      called.insert(made.name);
      EXPECT_EQ(reply->message.content, "");
      if (named) {
        EXPECT_EQ(made.name, "get_city");
      }
      if (reply->finish == ReplyFinish::kLength) continue;  // a random object may be long
      EXPECT_EQ(reply->finish, ReplyFinish::kToolCalls);
      const Json arguments = Json::parse(made.arguments, nullptr, false);
      EXPECT_TRUE(arguments.is_object()) << made.arguments;
      if (made.name == "get_city") {
        EXPECT_TRUE(arguments["city"] == "Rome" || arguments["city"] == "Oslo");
      }
    }
    EXPECT_EQ(called.size(), 3u) << "syntax " << static_cast<int>(syntax);
  }
}

TEST_F(AnswerGuideTest, StrictToolsGetTheArgumentsTheyWant) {
  ReplyOptions options;
  options.tools = {{.name = "get_city", .parameters = kCitySchema, .strict = true}, {.name = "free"}};
  options.thinking.enabled = false;
  likes = tokenizer->encode_markup("I look.\n<tool_call>{\"name\": \"get_city\", \"arguments\": {\"wrong");
  // What is put in after the arguments leaves the model free again: it ends.
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto reply = ask(options, seed);
    ASSERT_TRUE(reply);
    ASSERT_GE(reply->message.tool_calls.size(), 1u) << timeline;
    const Json arguments = Json::parse(reply->message.tool_calls[0].arguments, nullptr, false);
    EXPECT_TRUE(arguments["city"] == "Rome" || arguments["city"] == "Oslo") << timeline;
    EXPECT_NE(timeline.find("\"}}\n</tool_call>"), std::string::npos) << timeline;
    EXPECT_TRUE(reply->message.content.starts_with("I look."));
  }
}

TEST_F(AnswerGuideTest, ACallMayStandForAnAnswer) {
  ReplyOptions options;
  options.answer_grammar = *Grammar::from_regex("(yes|no)");
  options.tools = {{.name = "look"}};
  options.thinking.enabled = false;
  likes = tokenizer->encode_markup("<tool_call>{\"name\": \"look\", \"arguments\": {}}</tool_call></s>");
  const auto called = ask(options);
  ASSERT_TRUE(called);
  EXPECT_EQ(called->finish, ReplyFinish::kToolCalls);
  EXPECT_EQ(called->message.content, "");
  likes = tokenizer->encode_markup("no");
  EXPECT_EQ(ask(options)->message.content, "no");
}

TEST_F(AnswerGuideTest, SchemasThatCannotBeKeptAreRefused) {
  ReplyOptions options;
  options.tools = {{.name = "a", .parameters = {{"type", "array"}}, .strict = true}};
  const auto array = ask(options);
  ASSERT_FALSE(array);
  EXPECT_NE(array.error().message.find("\"a\" are no object"), std::string::npos) << array.error().message;
  options.tools[0].parameters = {{"type", "nonsense"}};
  const auto nonsense = ask(options);
  ASSERT_FALSE(nonsense);
  EXPECT_NE(nonsense.error().message.find("tools[0].parameters: "), std::string::npos)
      << nonsense.error().message;
}

}  // namespace
}  // namespace aloud
