// Changes from grammar to grammar as an answer goes on.
#include "chat/answer_guide.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace aloud {
namespace {

// At most, for all grammars of an answer: then the engine works out the rest as the answer comes to it.
constexpr double kPrepareSeconds = 0.05;

// As a regular expression; names are letters, digits and a few signs.
std::string pattern_of(const std::vector<GuidedTool>& tools, std::string_view end) {
  std::string pattern;
  const auto add = [&](std::string_view text) {
    for (const char c : text) {
      if (std::string_view(".-/\"").find(c) != std::string_view::npos) pattern += '\\';
      pattern += c;
    }
  };
  for (const GuidedTool& tool : tools) {
    pattern += pattern.empty() ? "(" : "|";
    add(tool.name);
  }
  pattern += ')';
  add(end);
  return pattern;
}

}  // namespace

Result<AnswerGuide> AnswerGuide::create(AnswerRules rules, const GrammarVocabulary& vocabulary) {
  for (const GuidedTool& tool : rules.tools) {
    if (GrammarMatcher(tool.arguments, vocabulary).accept_text("{")) continue;
    return fail("the parameters of the tool \"{}\" are no object", tool.name);
  }
  const double seconds = kPrepareSeconds / static_cast<double>(std::max<std::size_t>(1, rules.tools.size()));
  for (const GuidedTool& tool : rules.tools) vocabulary.prepare(*tool.arguments, seconds);
  if (rules.answer != nullptr) vocabulary.prepare(*rules.answer, kPrepareSeconds);
  AnswerGuide guide(std::move(rules), vocabulary);
  if (!guide.rules_.must_call || guide.rules_.tools.size() < 2) return guide;
  const std::string_view after_name = call_frame(guide.rules_.syntax).before_arguments;
  const bool is_token =
      vocabulary.tokenizer().is_markup(vocabulary.tokenizer().encode_markup(after_name).front());
  if (!is_token) guide.name_end_ = after_name.substr(0, 1);
  TRY_ASSIGN(guide.names_, Grammar::from_regex(pattern_of(guide.rules_.tools, guide.name_end_)));
  return guide;
}

std::vector<TokenId> AnswerGuide::begin() {
  if (rules_.must_call) {
    const CallFrame& frame = call_frame(rules_.syntax);
    if (names_ == nullptr) {
      const GuidedTool& only = rules_.tools.front();
      return put_arguments(only, fmt::format("{}{}{}", frame.before_name, only.name, frame.before_arguments));
    }
    hold(Part::kName, names_);
    return vocabulary_->tokenizer().encode_markup(frame.before_name);
  }
  if (rules_.answer != nullptr) {
    hold(Part::kAnswer, rules_.answer);
    at_start_ = rules_.instead != kNoToken;
  }
  return {};
}

void AnswerGuide::begin_arguments(std::string_view tool, std::string_view arguments) {
  const GuidedTool* found = find_tool(tool);
  if (found == nullptr) return;
  hold(Part::kArguments, found->arguments);
  // One token may have written more than the schema allows; nothing can be taken back.
  if (!matcher_->accept_text(arguments)) matcher_.reset();
}

const TokenMask* AnswerGuide::allowed() {
  if (!matcher_) return nullptr;
  const TokenMask& mask = matcher_->allowed();
  if (!at_start_) return &mask;
  first_mask_ = mask;
  first_mask_.allow(rules_.instead);
  return &first_mask_;
}

AnswerGuide::Step AnswerGuide::take(TokenId token) {
  CHECK(matcher_.has_value());
  if (std::exchange(at_start_, false) && token == rules_.instead) {
    matcher_.reset();
    return {};
  }
  const bool is_end = vocabulary_->tokenizer().is_end_of_turn(token);
  if (!is_end) {
    CHECK(matcher_->accept(token));
    if (part_ == Part::kName) name_ += vocabulary_->tokenizer().bytes(token);
    if (!matcher_->must_end()) return {};
  }
  switch (part_) {
    case Part::kAnswer:
      return {.stop = true};
    case Part::kName:
      return end_name();
    case Part::kArguments:
      break;
  }
  matcher_.reset();
  if (rules_.must_call) return {.stop = true};
  return {.put = vocabulary_->tokenizer().encode_markup(call_frame(rules_.syntax).after_arguments)};
}

AnswerGuide::Step AnswerGuide::end_name() {
  name_.resize(name_.size() - name_end_.size());
  const GuidedTool* tool = find_tool(name_);
  CHECK(tool != nullptr);
  const std::string_view after_name = call_frame(rules_.syntax).before_arguments;
  return {.put = put_arguments(*tool, std::string(after_name.substr(name_end_.size())))};
}

// before: what of the call comes before its arguments and is not there yet.
std::vector<TokenId> AnswerGuide::put_arguments(const GuidedTool& tool, std::string before) {
  hold(Part::kArguments, tool.arguments);
  // With the bracket, which may be one token with the space before it.
  CHECK(matcher_->accept_text("{"));
  return vocabulary_->tokenizer().encode_markup(before + '{');
}

void AnswerGuide::hold(Part part, std::shared_ptr<const Grammar> grammar) {
  part_ = part;
  matcher_.emplace(std::move(grammar), *vocabulary_);
}

const GuidedTool* AnswerGuide::find_tool(std::string_view name) const {
  const auto found = std::ranges::find(rules_.tools, name, &GuidedTool::name);
  return found == rules_.tools.end() ? nullptr : &*found;
}

}  // namespace aloud
