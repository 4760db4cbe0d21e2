// Tests of tools in prompts: what published templates make of them, and what is put into words for the
// others.
#include "chat/template_tools.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "chat/chat_template.h"
#include "chat/small_tokenizer.h"
#include "text/jinja.h"

namespace aloud {
namespace {

using Json = nlohmann::ordered_json;

std::string read_file(const std::string& name) {
  std::ifstream file(fmt::format("{}/templates/{}", ALOUD_TEST_DATA, name));
  return std::string(std::istreambuf_iterator<char>(file), {});
}

const JinjaOptions kFixedClock = {.now_seconds = 1737361800};

// A template with the names of tokens that the reference renderings were made with.
class Template {
 public:
  explicit Template(std::string_view source) : jinja_(*JinjaTemplate::parse(source)) {}

  std::optional<std::string> render(Json messages, Json tools, Json more = Json::object()) const {
    more["messages"] = std::move(messages);
    more["add_generation_prompt"] = true;
    if (!tools.is_null()) more["tools"] = std::move(tools);
    const auto rendered = jinja_.render(more, kFixedClock);
    return rendered ? std::optional(rendered->text) : std::nullopt;
  }
  ToolSupport support() const {
    return find_tool_support([this](Json messages, Json tools) { return render(messages, tools); });
  }

 private:
  JinjaTemplate jinja_;
};

const Tool kWeather = {.name = "get_weather",
                       .description = "Current weather of a city",
                       .parameters = Json::parse(R"({"type": "object", "properties": {
        "city": {"type": "string", "description": "城市 / city"},
        "unit": {"type": "string", "enum": ["C", "F"]}}, "required": ["city"]})")};

const std::vector<Message> kConversation = {
    {.role = Role::kUser, .content = "Weather in Paris?"},
    {.role = Role::kAssistant, .tool_calls = {{"call_1", "get_weather", "{\"city\": \"Paris\"}"}}},
    {.role = Role::kTool, .content = "{\"t\": 21}", .tool_call_id = "call_1", .name = "get_weather"}};

TEST(TemplateTools, WhatPublishedTemplatesCanShow) {
  struct Case {
    std::string_view name;
    bool shows_tools, shows_calls, wants_no_content, wants_text, takes_content, takes_many;
    ToolSyntax syntax;
  };
  using enum ToolSyntax;
  const Case cases[] = {
      {"Qwen-Qwen2.5-7B-Instruct", true, true, true, false, true, true, kHermes},
      {"Qwen-QwQ-32B", true, true, false, false, true, true, kHermes},
      {"Qwen-Qwen3-0.6B", true, true, false, false, true, true, kHermes},
      {"meta-llama-Llama-3.1-8B-Instruct", true, true, true, false, false, false, kLlama},
      {"deepseek-ai-DeepSeek-V3.1", false, true, true, false, true, true, kDeepSeekV31},
      {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B", false, true, true, false, true, true, kDeepSeekR1},
      {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B", false, true, true, true, false, true, kDeepSeekR1},
      {"llama-cpp-deepseek-r1", false, true, true, false, false, true, kDeepSeekR1},
      {"HuggingFaceTB-SmolLM3-3B", false, false, false, true, false, false, kHermes},
  };
  for (const Case& one : cases) {
    const ToolSupport support = Template(read_file(fmt::format("{}.jinja", one.name))).support();
    EXPECT_EQ(support.shows_tools, one.shows_tools) << one.name;
    EXPECT_EQ(support.shows_calls, one.shows_calls) << one.name;
    EXPECT_EQ(support.syntax, one.syntax) << one.name;
    if (!support.shows_calls) continue;
    EXPECT_EQ(support.wants_no_content, one.wants_no_content) << one.name;
    EXPECT_EQ(support.wants_text, one.wants_text) << one.name;
    EXPECT_EQ(support.takes_content, one.takes_content) << one.name;
    EXPECT_EQ(support.takes_many, one.takes_many) << one.name;
  }
}

// As an independent program renders them.
TEST(TemplateTools, ReferenceRenderings) {
  int compared = 0;
  for (const std::string name : {"Qwen-Qwen2.5-7B-Instruct", "Qwen-QwQ-32B", "Qwen-Qwen3-0.6B",
                                 "meta-llama-Llama-3.1-8B-Instruct", "deepseek-ai-DeepSeek-V3.1"}) {
    const Template source(read_file(name + ".jinja"));
    const ToolSupport support = source.support();
    std::istringstream lines(read_file(name + ".jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const Json reference = Json::parse(line);
      const bool is_call = reference["case"] == "toolcall";
      if (!is_call && reference["case"] != "tools") continue;
      const auto messages = std::span(kConversation).first(is_call ? 3 : 1);
      // What the template does not show is no part of the reference.
      const auto tools = std::span(&kWeather, support.shows_tools ? 1 : 0);
      const TemplateInput input = template_input(support, messages, tools);
      Json more;
      for (const char* key : {"bos_token", "eos_token"}) more[key] = reference["context"][key];
      EXPECT_EQ(source.render(input.messages, input.tools, more), reference["rendered"].get<std::string>())
          << name;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 10);
}

TEST(TemplateTools, WhatATemplateCannotShowIsPutIntoWords) {
  const ToolSupport nothing;
  const TemplateInput input = template_input(nothing, kConversation, {&kWeather, 1});
  EXPECT_TRUE(input.tools.is_null());
  ASSERT_EQ(input.messages.size(), 4u);
  EXPECT_EQ(input.messages[0]["role"], "system");
  const auto system = input.messages[0]["content"].get<std::string>();
  EXPECT_NE(system.find("\"name\":\"get_weather\""), std::string::npos) << system;
  EXPECT_TRUE(
      system.ends_with("<tool_call>\n{\"name\": \"<function-name>\", \"arguments\": "
                       "<args-json-object>}\n</tool_call>"))
      << system;
  EXPECT_EQ(input.messages[2]["content"],
            "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>");
  EXPECT_FALSE(input.messages[2].contains("tool_calls"));
  EXPECT_EQ(input.messages[3]["role"], "user");
  EXPECT_EQ(input.messages[3]["content"], "<tool_response>\n{\"t\": 21}\n</tool_response>");
}

TEST(TemplateTools, ResultsInARowAreOneMessageAndTheSystemMessageIsKept) {
  const std::vector<Message> messages = {
      {.role = Role::kSystem, .content = "Be brief."},
      {.role = Role::kUser, .content = "hi"},
      {.role = Role::kAssistant, .content = "I look.", .tool_calls = {{"1", "a", ""}, {"2", "b", "{}"}}},
      {.role = Role::kTool, .content = "one", .tool_call_id = "1"},
      {.role = Role::kTool, .content = "two", .tool_call_id = "2"}};
  const TemplateInput input = template_input({}, messages, {&kWeather, 1});
  ASSERT_EQ(input.messages.size(), 4u);
  EXPECT_TRUE(input.messages[0]["content"].get<std::string>().starts_with("Be brief.\n\n# Tools\n"));
  EXPECT_TRUE(input.messages[2]["content"].get<std::string>().starts_with(
      "I look.\n<tool_call>\n{\"name\": \"a\", \"arguments\": {}}"));
  EXPECT_EQ(input.messages[3]["content"],
            "<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response>");
}

TEST(TemplateTools, CallsThatATemplateTakesOneByOne) {
  const std::vector<Message> messages = {{.role = Role::kUser, .content = "hi"},
                                         {.role = Role::kAssistant,
                                          .content = "I look.",
                                          .tool_calls = {{"1", "a", "{}"}, {"2", "b", "not json"}}},
                                         {.role = Role::kTool, .content = "two", .tool_call_id = "2"},
                                         {.role = Role::kTool, .content = "one", .tool_call_id = "1"},
                                         {.role = Role::kTool, .content = "lost", .tool_call_id = "3"}};
  const ToolSupport llama = Template(read_file("meta-llama-Llama-3.1-8B-Instruct.jinja")).support();
  const TemplateInput input = template_input(llama, messages, {});
  std::string order;
  for (const Json& message : input.messages) {
    order += message["role"].get<std::string>().substr(0, 1);
    if (message["content"].is_string()) order += message["content"].get<std::string>().substr(0, 1);
    if (message.contains("tool_calls")) order += message["tool_calls"][0]["id"].get<std::string>();
    order += ' ';
  }
  EXPECT_EQ(order, "uh aI a1 to a2 tt tl ");
  EXPECT_EQ(input.messages[4]["tool_calls"][0]["function"]["arguments"], "not json");
}

TEST(TemplateTools, DeepArgumentsStayText) {
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_EQ(arguments_json(deep), Json(deep));
  EXPECT_EQ(arguments_json("{\"a\": [1, {\"b\": null}]}")["a"][0], 1);
  EXPECT_EQ(arguments_json("[1]"), "[1]");
  EXPECT_EQ(arguments_json(""), "");
}

// Every name of markup in every field of every role, by templates of all kinds: never a markup token.
TEST(TemplateTools, NothingFromOutsideBecomesMarkup) {
  const std::vector<std::string> control = {"<｜begin▁of▁sentence｜>",
                                            "<｜end▁of▁sentence｜>",
                                            "<｜User｜>",
                                            "<｜Assistant｜>",
                                            "<|im_start|>",
                                            "<|im_end|>",
                                            "<|begin_of_text|>",
                                            "<|start_header_id|>",
                                            "<|end_header_id|>",
                                            "<|eot_id|>",
                                            "<|eom_id|>",
                                            "<|python_tag|>",
                                            "<｜tool▁calls▁begin｜>",
                                            "<｜tool▁calls▁end｜>",
                                            "<｜tool▁call▁begin｜>",
                                            "<｜tool▁call▁end｜>",
                                            "<｜tool▁outputs▁begin｜>",
                                            "<｜tool▁outputs▁end｜>",
                                            "<｜tool▁output▁begin｜>",
                                            "<｜tool▁output▁end｜>",
                                            "<｜tool▁sep｜>"};
  const std::vector<std::string> markup = {"<think>",      "</think>",        "<tool_call>",
                                           "</tool_call>", "<tool_response>", "</tool_response>"};
  const auto tokenizer = make_tokenizer({.control = control, .markup = markup});
  // One field at a time holds `text`; the rest is harmless.
  const auto conversation = [](int field, const std::string& text) {
    const auto at = [&](int number) { return number == field ? text : std::string("x"); };
    const auto json = [](const std::string& value) { return Json(value).dump(); };
    std::pair<std::vector<Message>, std::vector<Tool>> result;
    result.first = {{.role = Role::kSystem, .content = at(0)},
                    {.role = Role::kUser, .content = at(1)},
                    {.role = Role::kAssistant, .content = at(2), .thought = at(3)},
                    {.role = Role::kUser, .content = "x"},
                    {.role = Role::kAssistant,
                     .tool_calls = {{at(4), at(5), fmt::format("{{{}: {}}}", json(at(6)), json(at(7)))}}},
                    {.role = Role::kTool, .content = at(8), .tool_call_id = at(4), .name = at(9)},
                    {.role = Role::kAssistant, .content = "x", .tool_calls = {{"1", "x", at(10)}}},
                    {.role = Role::kTool, .content = "x", .tool_call_id = "1"}};
    result.second = {{.name = at(11),
                      .description = at(12),
                      .parameters = {{"type", at(13)}, {at(14), Json::array({at(15)})}}}};
    return result;
  };
  constexpr int kFields = 16;
  int checked = 0;
  for (const std::string name :
       {"Qwen-Qwen2.5-7B-Instruct", "Qwen-QwQ-32B", "Qwen-Qwen3-0.6B", "meta-llama-Llama-3.1-8B-Instruct",
        "deepseek-ai-DeepSeek-V3.1", "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
        "deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "llama-cpp-deepseek-r1", "HuggingFaceTB-SmolLM3-3B",
        ""}) {
    const auto chat_template =
        ChatTemplate::create(name.empty() ? "" : read_file(name + ".jinja"), *tokenizer);
    ASSERT_TRUE(chat_template) << name;
    const auto markup_tokens = [&](int field, const std::string& text) -> std::vector<TokenId> {
      const auto [messages, tools] = conversation(field, text);
      const auto prompt = chat_template->prompt(messages, {}, tools);
      EXPECT_TRUE(prompt) << name << ": " << prompt.error().message;
      std::vector<TokenId> found;
      for (const TokenId token : prompt->tokens)
        if (tokenizer->is_markup(token)) found.push_back(token);
      return found;
    };
    const std::vector<TokenId> harmless = markup_tokens(-1, "");
    for (const std::vector<std::string>& names : {control, markup}) {
      for (const std::string& hostile : names) {
        for (int field = 0; field < kFields; ++field) {
          const std::vector<TokenId> found = markup_tokens(field, hostile);
          EXPECT_LE(found.size(), harmless.size()) << name << ", field " << field << ": " << hostile;
          const TokenId token = tokenizer->find_markup(hostile);
          EXPECT_LE(std::ranges::count(found, token), std::ranges::count(harmless, token)) << hostile;
          ++checked;
        }
      }
    }
  }
  EXPECT_EQ(checked, 10 * kFields * 27);
}

}  // namespace
}  // namespace aloud
