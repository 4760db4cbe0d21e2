// From a conversation to the tokens of a prompt, by the model's own template.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/message.h"
#include "chat/template_tools.h"
#include "chat/thinking.h"
#include "text/jinja.h"
#include "text/tokenizer.h"

namespace aloud {

struct Prompt {
  std::vector<TokenId> tokens;  // BOS exactly once where the model wants it
  bool starts_in_thought = false;
  bool may_think = false;  // it does, or the model may begin a thought by itself
};

// Immutable; the tokenizer must outlive it.
class ChatTemplate {
 public:
  // source: Jinja, or empty for a model file without one: then the format follows from the vocabulary's
  // markup (DeepSeek, ChatML, Llama 3), or is plain text. Errors: the template cannot be parsed.
  static Result<ChatTemplate> create(std::string_view source, const Tokenizer& tokenizer);

  // The prompt for the next reply to messages. What people and tools wrote never becomes markup. Past
  // thoughts are told apart from contents, so the template decides what becomes of them. When thinking is off
  // and the template knows no such switch, the prompt ends in an empty thought, if this is a model that
  // thinks at all. Tools that the template would not show are told in a system message. Errors: the
  // template's own.
  Result<Prompt> prompt(std::span<const Message> messages, const ThinkingOptions& thinking,
                        std::span<const Tool> tools = {}) const;

  // How the model writes calls of tools.
  ToolSyntax tool_syntax() const { return tools_.syntax; }

 private:
  ChatTemplate(JinjaTemplate jinja, const Tokenizer& tokenizer, bool mentions_thoughts);

  Result<RenderedTemplate> render(const TemplateInput& input, const ThinkingOptions& thinking) const;
  std::vector<TokenId> encode(const RenderedTemplate& rendered) const;

  JinjaTemplate jinja_;
  const Tokenizer* tokenizer_;
  bool knows_thoughts_;
  ToolSupport tools_;
};

}  // namespace aloud
