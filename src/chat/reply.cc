// Joins template, budget, writer and, for a session of one's own, the loop.
#include "chat/reply.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/printable.h"
#include "chat/answer_guide.h"
#include "chat/thought_language.h"

namespace aloud {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

constexpr std::size_t kMostToolNameBytes = 128;

bool may_be_in_tool_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-.:/").find(c) != std::string_view::npos;
}

Status check_tools(const ReplyOptions& options) {
  for (std::size_t i = 0; i < options.tools.size(); ++i) {
    const std::string& name = options.tools[i].name;
    if (name.empty() || name.size() > kMostToolNameBytes || !std::ranges::all_of(name, may_be_in_tool_name)) {
      return fail("tools[{}]: the name \"{}\" is not of 1 to {} letters, digits and _ - . : /", i,
                  printable(name), kMostToolNameBytes);
    }
    if (std::ranges::count(options.tools, name, &Tool::name) > 1) {
      return fail("tools[{}]: there is more than one tool \"{}\"", i, name);
    }
  }
  const ToolChoice& choice = options.tool_choice;
  if (choice.kind == ToolChoice::Kind::kRequired && options.tools.empty()) {
    return fail("tool_choice: a call is required, but there are no tools");
  }
  if (choice.kind == ToolChoice::Kind::kNamed &&
      std::ranges::count(options.tools, choice.name, &Tool::name) == 0) {
    return fail("tool_choice: there is no tool \"{}\"", printable(choice.name));
  }
  return {};
}

Status check_options(const ReplyOptions& options, const Tokenizer& tokenizer) {
  TRY(check_sampling(options.sampling, tokenizer.size()));
  if (options.max_tokens && *options.max_tokens < 1) {
    return fail("max_tokens: {} is not at least 1", *options.max_tokens);
  }
  const std::string& language = options.thinking.language;
  if (!language.empty() && find_thought_language(language) == nullptr) {
    std::string known;
    for (const ThoughtLanguage& one : thought_languages()) known += fmt::format(" {}", one.code);
    return fail("the language of the thought: \"{}\" is none of{}", printable(language), known);
  }
  return check_tools(options);
}

void append(std::span<const TokenId> more, std::vector<TokenId>& tokens) {
  tokens.insert(tokens.end(), more.begin(), more.end());
}

// The token by which a model would begin a call, if it is one token.
std::vector<TokenId> opening_tag(ToolSyntax syntax, const Tokenizer& tokenizer) {
  const TokenId token = tokenizer.encode_markup(call_frame(syntax).before_name).front();
  return tokenizer.is_markup(token) ? std::vector{token} : std::vector<TokenId>();
}

// What is to be written for the model at the beginning of its thought. One that begins thoughts by itself
// could not do so where its answer is held to a grammar.
std::vector<TokenId> thought_opening(const ThinkingOptions& thinking, bool is_held, const Prompt& prompt,
                                     const Tokenizer& tokenizer) {
  const ThoughtLanguage* language = find_thought_language(thinking.language);
  std::vector<TokenId> tokens;
  if (!prompt.may_think) return tokens;
  if (!prompt.starts_in_thought && (language != nullptr || is_held))
    tokens = tokenizer.encode_markup("<think>\n");
  if (language != nullptr) append(tokenizer.encode_plain(language->opening), tokens);
  return tokens;
}

Result<std::shared_ptr<const Grammar>> arguments_grammar(const Tool& tool, const GrammarSource& grammars) {
  auto grammar = grammars.from_json_schema(tool_json(tool)["function"]["parameters"]);
  // Without a promise of strictness what is not understood must not stand in the way.
  if (!grammar && !tool.strict) return grammars.from_json_schema({{"type", "object"}});
  return grammar;
}

Result<AnswerRules> answer_rules(const ReplyOptions& options, ToolSyntax syntax, const Tokenizer& tokenizer) {
  using enum ToolChoice::Kind;
  const ToolChoice& choice = options.tool_choice;
  AnswerRules rules{.must_call = choice.kind == kRequired || choice.kind == kNamed, .syntax = syntax};
  for (std::size_t i = 0; i < options.tools.size(); ++i) {
    const Tool& tool = options.tools[i];
    const bool is_held = choice.kind == kRequired || (choice.kind == kAuto && tool.strict) ||
                         (choice.kind == kNamed && tool.name == choice.name);
    if (!is_held) continue;
    auto grammar = arguments_grammar(tool, options.grammars);
    if (!grammar) return fail("tools[{}].parameters: {}", i, grammar.error().message);
    rules.tools.push_back({tool.name, std::move(*grammar)});
  }
  if (rules.must_call) return rules;
  rules.answer = options.answer_grammar;
  if (choice.kind == kAuto && !options.tools.empty()) {
    const std::vector<TokenId> tag = opening_tag(syntax, tokenizer);
    if (!tag.empty()) rules.instead = tag.front();
  }
  return rules;
}

Result<std::vector<TokenId>> raw_tokens(const RawPrompt& prompt, const Tokenizer& tokenizer) {
  std::vector<TokenId> tokens;
  if (const auto* const given = std::get_if<std::vector<TokenId>>(&prompt)) {
    tokens = *given;
    for (const TokenId token : tokens) {
      if (token < 0 || token >= tokenizer.size()) {
        return fail("prompt: token {} is not within 0 to {}", token, tokenizer.size() - 1);
      }
    }
  } else {
    if (tokenizer.add_bos() && tokenizer.bos() != kNoToken) tokens.push_back(tokenizer.bos());
    append(tokenizer.encode_plain(std::get<std::string>(prompt)), tokens);
  }
  if (tokens.empty()) return fail("prompt: it is empty");
  return tokens;
}

}  // namespace

Result<PreparedReply> prepare_reply(std::span<const Message> messages, const ReplyOptions& options,
                                    const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                                    const GrammarVocabulary* vocabulary, std::int64_t context_tokens,
                                    EventSink sink) {
  TRY(check_options(options, tokenizer));
  const bool shows_tools = options.tool_choice.kind != ToolChoice::Kind::kNone;
  TRY_ASSIGN(Prompt prompt, chat_template.prompt(messages, options.thinking,
                                                 shows_tools ? options.tools : std::span<const Tool>()));
  ReplyPlan plan{.closing = tokenizer.encode_markup("\n</think>\n\n"),
                 .language = options.thinking.language,
                 .stops = options.stops,
                 .tool_syntax = chat_template.tool_syntax(),
                 .parallel_tool_calls = options.parallel_tool_calls,
                 .top_logprobs = options.top_logprobs,
                 .detect_loops = options.detect_loops};
  if (shows_tools) {
    for (const Tool& tool : options.tools) plan.tools.push_back(tool.name);
  } else if (!options.tools.empty()) {
    plan.never = opening_tag(plan.tool_syntax, tokenizer);
  }
  TRY_ASSIGN(AnswerRules rules, answer_rules(options, plan.tool_syntax, tokenizer));
  const bool is_held = rules.hold_all();
  if (rules.answer != nullptr) plan.stops.clear();
  std::optional<AnswerGuide> guide;
  if (rules.is_needed()) {
    CHECK(vocabulary != nullptr);
    TRY_ASSIGN(AnswerGuide created, AnswerGuide::create(std::move(rules), *vocabulary));
    guide.emplace(std::move(created));
  }
  const std::vector<TokenId> opening = thought_opening(options.thinking, is_held, prompt, tokenizer);

  const auto prompt_tokens = static_cast<std::int64_t>(prompt.tokens.size() + opening.size());
  const ReplyBudget budget = plan_reply(options.thinking, options.max_tokens,
                                        std::max<std::int64_t>(1, context_tokens - prompt_tokens),
                                        static_cast<std::int64_t>(plan.closing.size()));
  if (budget.thought_tokens > 0) {
    append(opening, prompt.tokens);
    plan.given = opening;
  } else if (prompt.starts_in_thought && prompt_tokens < context_tokens) {
    append(plan.closing, prompt.tokens);
    prompt.starts_in_thought = false;
  }
  if (is_held && !prompt.starts_in_thought && plan.given.empty()) {
    plan.given = guide->begin();
    append(plan.given, prompt.tokens);
  }
  plan.starts_in_thought = prompt.starts_in_thought;
  plan.prompt_tokens = static_cast<std::int64_t>(prompt.tokens.size());
  plan.thought_tokens = budget.thought_tokens;
  // The whole room is the limit, not a number that somebody gave.
  plan.is_length_the_context = options.max_tokens != budget.reply_tokens;
  return PreparedReply{
      std::move(prompt.tokens), budget.reply_tokens,
      std::make_unique<ReplyWriter>(tokenizer, std::move(plan), std::move(guide), std::move(sink))};
}

Result<PreparedReply> prepare_text(const RawPrompt& prompt, const ReplyOptions& options,
                                   const Tokenizer& tokenizer, const GrammarVocabulary* vocabulary,
                                   std::int64_t context_tokens, EventSink sink) {
  TRY(check_options(options, tokenizer));
  TRY_ASSIGN(std::vector<TokenId> tokens, raw_tokens(prompt, tokenizer));
  std::optional<AnswerGuide> guide;
  if (options.answer_grammar != nullptr) {
    CHECK(vocabulary != nullptr);
    TRY_ASSIGN(AnswerGuide created, AnswerGuide::create({.answer = options.answer_grammar}, *vocabulary));
    guide.emplace(std::move(created));
    append(guide->begin(), tokens);
  }
  const auto prompt_tokens = static_cast<std::int64_t>(tokens.size());
  const std::int64_t room = std::max<std::int64_t>(1, context_tokens - prompt_tokens);
  const std::int64_t max_tokens = std::min(options.max_tokens.value_or(room), room);
  ReplyPlan plan{.is_plain_text = true,
                 .prompt_tokens = prompt_tokens,
                 .is_length_the_context = options.max_tokens != max_tokens,
                 .stops = guide ? std::vector<std::string>() : options.stops,
                 .top_logprobs = options.top_logprobs,
                 .detect_loops = false};
  return PreparedReply{
      std::move(tokens), max_tokens,
      std::make_unique<ReplyWriter>(tokenizer, std::move(plan), std::move(guide), std::move(sink))};
}

Result<Reply> reply_to(std::span<const Message> messages, const ReplyOptions& options,
                       const ChatTemplate& chat_template, const Tokenizer& tokenizer, Session& session,
                       const EventSink& sink, const std::atomic<bool>* cancel) {
  const Clock::time_point start = Clock::now();
  TRY_ASSIGN(PreparedReply prepared,
             prepare_reply(messages, options, chat_template, tokenizer, nullptr, session.context(), sink));
  const Clock::time_point prefill_start = Clock::now();
  TRY_ASSIGN(const Prefill prefill,
             session.read(prepared.prompt, cancel, [&](std::int64_t done, std::int64_t total) {
               if (sink) sink(PrefillEvent{done, total});
             }));
  const double prefill_seconds = seconds_since(prefill_start);
  const double before_generation_seconds = seconds_since(start);

  Generation generation{.finish = FinishReason::kCancelled};
  if (!prefill.cancelled) {
    Sampler sampler(options.sampling);
    sampler.begin(prepared.prompt);
    TRY_ASSIGN(generation, generate(session, sampler, prepared.max_tokens, *prepared.writer, cancel));
  }
  Reply reply = prepared.writer->finish(generation);
  reply.usage.kept_tokens = prefill.kept_tokens;
  if (prefill_seconds > 0) {
    reply.timings.prefill_tokens_per_second = static_cast<double>(prefill.computed_tokens) / prefill_seconds;
  }
  if (generation.sampled_tokens > 0) {
    reply.timings.time_to_first_token_ms =
        1000 * (before_generation_seconds + generation.first_token_seconds);
  }
  return reply;
}

}  // namespace aloud
