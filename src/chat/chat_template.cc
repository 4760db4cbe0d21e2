// Renders, encodes and sees to BOS and to thoughts that must not be.
#include "chat/chat_template.h"

#include <utility>

#include "chat/thought_splitter.h"

namespace aloud {
namespace {

using Json = nlohmann::ordered_json;

struct Fallback {
  std::string_view markup[2];  // the vocabulary must have both; empty: none needed
  std::string_view messages;
  std::string_view reply;  // what stands before a reply
};

constexpr std::string_view kDeepSeekMessages =
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}{{ '<｜User｜>' + m.content }}"
    "{% elif m.role == 'assistant' %}{{ '<｜Assistant｜>' + m.content + eos_token }}"
    "{% else %}{{ m.content }}{% endif %}{% endfor %}";

// For files without a template. The first that fits is taken; the last always fits.
constexpr Fallback kFallbacks[] = {
    {{"<｜User｜>", "<think>"}, kDeepSeekMessages, "<｜Assistant｜><think>\\n"},
    {{"<｜User｜>", ""}, kDeepSeekMessages, "<｜Assistant｜>"},
    {{"<|im_start|>", ""},
     "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}",
     "<|im_start|>assistant\\n"},
    {{"<|start_header_id|>", ""},
     "{{ bos_token }}{% for m in messages %}"
     "{{ '<|start_header_id|>' + m.role + '<|end_header_id|>\\n\\n' + m.content + '<|eot_id|>' }}{% endfor "
     "%}",
     "<|start_header_id|>assistant<|end_header_id|>\\n\\n"},
    {{"", ""},
     "{{ bos_token }}{% for m in messages %}{{ m.role | capitalize + ': ' + m.content }}"
     "{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{{ '\\n\\n' }}{% endfor %}",
     "Assistant:"},
};

std::string fallback_source(const Tokenizer& tokenizer) {
  const auto has = [&](std::string_view markup) {
    return markup.empty() || tokenizer.find_markup(markup) != kNoToken;
  };
  for (const Fallback& fallback : kFallbacks) {
    if (!has(fallback.markup[0]) || !has(fallback.markup[1])) continue;
    return fmt::format("{}{{% if add_generation_prompt %}}{{{{ '{}' }}}}{{% endif %}}", fallback.messages,
                       fallback.reply);
  }
  return {};
}

std::string token_text(const Tokenizer& tokenizer, TokenId token) {
  return token == kNoToken ? std::string() : std::string(tokenizer.bytes(token));
}

}  // namespace

ChatTemplate::ChatTemplate(JinjaTemplate jinja, const Tokenizer& tokenizer, bool mentions_thoughts)
    : jinja_(std::move(jinja)),
      tokenizer_(&tokenizer),
      knows_thoughts_(mentions_thoughts || tokenizer.find_markup(kThoughtOpen) != kNoToken) {
  tools_ = find_tool_support([&](Json messages, Json tools) -> std::optional<std::string> {
    const auto rendered = render({std::move(messages), std::move(tools)}, {});
    return rendered ? std::optional(rendered->text) : std::nullopt;
  });
}

Result<ChatTemplate> ChatTemplate::create(std::string_view source, const Tokenizer& tokenizer) {
  const std::string fallback = source.empty() ? fallback_source(tokenizer) : std::string();
  if (source.empty()) source = fallback;
  auto parsed = JinjaTemplate::parse(source);
  if (!parsed) return fail("the model's chat template: {}", parsed.error().message);
  return ChatTemplate(std::move(*parsed), tokenizer, source.find(kThoughtOpen) != std::string_view::npos);
}

Result<Prompt> ChatTemplate::prompt(std::span<const Message> messages, const ThinkingOptions& thinking,
                                    std::span<const Tool> tools) const {
  const TemplateInput input = template_input(tools_, messages, tools);
  TRY_ASSIGN(RenderedTemplate rendered, render(input, thinking));
  Prompt prompt{.tokens = encode(rendered)};
  prompt.starts_in_thought = ends_in_thought(*tokenizer_, prompt.tokens);
  // DeepSeek's templates let a turn go on after the results of its calls.
  const bool goes_on =
      !messages.empty() && messages.back().role == Role::kTool && tools_.shows_calls &&
      (tools_.syntax == ToolSyntax::kDeepSeekR1 || tools_.syntax == ToolSyntax::kDeepSeekV31);
  prompt.may_think = thinking.enabled && (prompt.starts_in_thought || (knows_thoughts_ && !goes_on));
  if (thinking.enabled || !knows_thoughts_) return prompt;

  if (prompt.starts_in_thought) {
    rendered.text += rendered.text.ends_with('\n') ? "\n</think>\n\n" : "\n\n</think>\n\n";
  } else {
    ThinkingOptions opposite = thinking;
    opposite.enabled = true;
    TRY_ASSIGN(const RenderedTemplate with_thought, render(input, opposite));
    // The template has a switch of its own, or there is no place for a thought.
    if (with_thought.text != rendered.text || goes_on) return prompt;
    rendered.text += "<think>\n\n</think>\n\n";
  }
  prompt.tokens = encode(rendered);
  prompt.starts_in_thought = false;
  return prompt;
}

Result<RenderedTemplate> ChatTemplate::render(const TemplateInput& input,
                                              const ThinkingOptions& thinking) const {
  // Two names for one switch: most families ask for the first, DeepSeek-V3.1 for the second.
  Json context = {{"messages", input.messages},
                  {"add_generation_prompt", true},
                  {"bos_token", token_text(*tokenizer_, tokenizer_->bos())},
                  {"eos_token", token_text(*tokenizer_, tokenizer_->eos())},
                  {"enable_thinking", thinking.enabled},
                  {"thinking", thinking.enabled}};
  if (!input.tools.is_null()) context["tools"] = input.tools;
  if (!thinking.effort.empty()) context["reasoning_effort"] = std::string(thinking.effort);
  auto rendered = jinja_.render(context);
  if (!rendered) return fail("the model's chat template: {}", rendered.error().message);
  return std::move(*rendered);
}

std::vector<TokenId> ChatTemplate::encode(const RenderedTemplate& rendered) const {
  std::vector<TokenId> tokens;
  const TokenId bos = tokenizer_->bos();
  if (tokenizer_->add_bos() && bos != kNoToken) tokens.push_back(bos);
  tokenizer_->encode(rendered.text, rendered.untrusted, tokens);
  // Templates that print BOS themselves must not make it two.
  std::size_t leading = 0;
  while (bos != kNoToken && leading < tokens.size() && tokens[leading] == bos) ++leading;
  if (leading > 1) tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(leading - 1));
  return tokens;
}

}  // namespace aloud
