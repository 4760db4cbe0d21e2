// POST /tokenize, /detokenize, /apply-template: what a developer needs to see a prompt as the model does.
#include "api/openai_request.h"
#include "api/routes.h"
#include "api/services.h"

namespace aloud {
namespace {

// Reads the body, loads the model that it names and answers with what `make` says.
template <class Make>
void answer_with_model(const ApiCall& call, Make make) {
  auto json = parse_request(call.request->body);
  if (!json) return call.send(json.error());
  JsonFields fields(*json);
  const std::string model = fields.string("model").value_or("");
  if (fields.error()) return call.send(*fields.error());
  call.services.models.use(model, [call, json = std::move(*json), make](auto served) {
    if (!served) return call.send(served.error());
    JsonFields inner(json);
    const Json body = make(inner, **served);
    if (inner.error()) return call.send(*inner.error());
    call.send(body);
  });
}

Json tokenize(JsonFields& fields, ServedModel& model) {
  // vLLM says prompt, llama.cpp content.
  const std::string text =
      fields.has("prompt") ? fields.required_string("prompt") : fields.required_string("content");
  const Tokenizer& tokenizer = model.tokenizer();
  std::vector<TokenId> tokens;
  if (fields.boolean("add_special").value_or(false) && tokenizer.add_bos() && tokenizer.bos() != kNoToken) {
    tokens.push_back(tokenizer.bos());
  }
  if (fields.boolean("parse_special").value_or(false)) {
    tokenizer.encode(text, {}, tokens);
  } else {
    const std::vector<TokenId> plain = tokenizer.encode_plain(text);
    tokens.insert(tokens.end(), plain.begin(), plain.end());
  }
  return {{"count", tokens.size()}, {"max_model_len", model.loaded().context()}, {"tokens", tokens}};
}

Json detokenize(JsonFields& fields, ServedModel& model) {
  const Json* const list = fields.array("tokens");
  if (list == nullptr) fields.set_error("tokens", "missing, expected an array of token ids");
  const Tokenizer& tokenizer = model.tokenizer();
  std::string text;
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const Json& token = (*list)[i];
    if (!token.is_number_integer() || token.get<std::int64_t>() < 0 ||
        token.get<std::int64_t>() >= tokenizer.size()) {
      fields.set_error(fmt::format("tokens[{}]", i),
                       fmt::format("is not a token id between 0 and {}", tokenizer.size() - 1));
      break;
    }
    text += tokenizer.bytes(token.get<TokenId>());
  }
  return {{"prompt", text}, {"content", text}};
}

Json apply_template(JsonFields& fields, ServedModel& model) {
  const std::vector<Message> messages = read_messages(fields, "messages");
  ReplyOptions options;
  options.thinking = read_thinking(fields);
  read_tools(fields, options);
  if (fields.error()) return {};
  const auto prompt = model.chat_template().prompt(messages, options.thinking, options.tools);
  if (!prompt) {
    fields.set_error("messages", prompt.error().message);
    return {};
  }
  std::string text;
  for (const TokenId token : prompt->tokens) text += model.tokenizer().bytes(token);
  return {{"prompt", text}, {"tokens", prompt->tokens}, {"count", prompt->tokens.size()}};
}

}  // namespace

void answer_tokenize(const ApiCall& call) { answer_with_model(call, tokenize); }
void answer_detokenize(const ApiCall& call) { answer_with_model(call, detokenize); }
void answer_apply_template(const ApiCall& call) { answer_with_model(call, apply_template); }

}  // namespace aloud
