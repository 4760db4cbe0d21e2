// A state machine over the bytes of an answer.
#include "chat/tool_call_parser.h"

#include <algorithm>
#include <span>
#include <utility>

#include "chat/spaces.h"

namespace aloud {
namespace {

struct SyntaxTags {
  std::span<const std::string_view> openings;
  std::string_view call_end;         // of Llama the object's own end
  std::string_view calls_end;        // after the last call, or empty
  std::string_view separators;       // may stand between calls
  std::string_view after_arguments;  // may stand between arguments and call_end
};

// What may follow arguments before the call's end is seen; more than that is an answer without that end.
constexpr std::size_t kMostTailBytes = 256;

const SyntaxTags& tags_of(ToolSyntax syntax) {
  static constexpr std::string_view kHermesOpenings[] = {"<tool_call>"};
  static constexpr SyntaxTags kHermes = {kHermesOpenings, "</tool_call>", "", kSpaces, " \t\r\n},"};
  static constexpr std::string_view kLlamaOpenings[] = {"<|python_tag|>"};
  static constexpr SyntaxTags kLlama = {kLlamaOpenings, "}", "", " \t\r\n;,", kSpaces};
  static constexpr std::string_view kDeepSeekOpenings[] = {"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>"};
  static constexpr SyntaxTags kDeepSeek = {kDeepSeekOpenings, "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>",
                                           kSpaces, " \t\r\n`"};
  switch (syntax) {
    case ToolSyntax::kHermes:
      return kHermes;
    case ToolSyntax::kLlama:
      return kLlama;
    case ToolSyntax::kDeepSeekR1:
    case ToolSyntax::kDeepSeekV31:
      break;
  }
  return kDeepSeek;
}

std::string without_leading(std::string_view text, std::string_view characters) {
  return std::string(text.substr(std::min(text.size(), text.find_first_not_of(characters))));
}

}  // namespace

ToolCallParser::ToolCallParser(ToolSyntax syntax, const Tokenizer& tokenizer, std::vector<std::string> tools)
    : syntax_(syntax), tokenizer_(tokenizer), tools_(std::move(tools)) {
  const SyntaxTags& tags = tags_of(syntax);
  const auto add = [&](std::string_view name) {
    const TokenId token = tokenizer.find_markup(name);
    if (token != kNoToken) tags_.push_back(token);
  };
  for (const std::string_view name : tags.openings) add(name);
  for (const std::string_view name : {tags.call_end, tags.calls_end, kDeepSeekSeparator}) add(name);
}

bool ToolCallParser::is_tag(TokenId token) const { return std::ranges::find(tags_, token) != tags_.end(); }

std::vector<AnswerPiece> ToolCallParser::push(std::string_view text) {
  take(text);
  return done();
}

std::vector<AnswerPiece> ToolCallParser::push_tag(TokenId token) {
  const std::string_view name = tokenizer_.bytes(token);
  const SyntaxTags& tags = tags_of(syntax_);
  const bool is_control = tokenizer_.kind(token) == TokenKind::kControl;
  const bool opens = std::ranges::find(tags.openings, name) != tags.openings.end();
  if (state_ == State::kText && opens && (is_control || !fence_.is_open())) {
    state_ = State::kHead;
    held_ = name;
  } else if (state_ == State::kArguments && is_control) {
    end_call();  // even where a string was left open
    if (name != tags.call_end) take(name);
  } else if (state_ != State::kText || !is_control) {
    take(name);
  }
  return done();
}

std::vector<AnswerPiece> ToolCallParser::finish() {
  const State state = std::exchange(state_, State::kText);
  std::string held = std::exchange(held_, {});
  const SyntaxTags& tags = tags_of(syntax_);
  if (state == State::kArguments) tell(AnswerPiece::Kind::kArguments, held);
  if (state == State::kTail) held = without_leading(held, tags.after_arguments);
  if (state == State::kBetween) held = without_leading(held, tags.separators);
  if (state == State::kArguments || state == State::kTail) tell(AnswerPiece::Kind::kCallEnd, {});
  if (state != State::kArguments) {
    for (const char c : held) say(c);
  }
  flush_text();
  tell(AnswerPiece::Kind::kText, std::exchange(space_, {}));
  return std::exchange(pieces_, {});
}

std::vector<AnswerPiece> ToolCallParser::done() {
  flush_text();
  return std::exchange(pieces_, {});
}

void ToolCallParser::take(std::string_view text) {
  for (const char c : text) take(c);
}

void ToolCallParser::take(char c) {
  switch (state_) {
    case State::kText:
      if (!may_open(c)) return say(c);
      state_ = State::kHead;
      [[fallthrough]];
    case State::kHead:
      held_ += c;
      return take_head();
    case State::kArguments:
      return take_argument(c);
    case State::kTail:
      return take_tail(c);
    case State::kBetween:
      return take_between(c);
  }
}

bool ToolCallParser::may_open(char c) const {
  if (fence_.is_open()) return false;
  switch (syntax_) {
    case ToolSyntax::kHermes:
      return c == '<' && fence_.at_line_start();
    case ToolSyntax::kLlama:
      return (c == '{' || c == '<') && !has_text_;
    case ToolSyntax::kDeepSeekR1:
    case ToolSyntax::kDeepSeekV31:
      break;
  }
  return c == '<';
}

void ToolCallParser::take_head() {
  const ToolCallHead head = read_tool_call_head(syntax_, held_, tools_);
  switch (head.kind) {
    case ToolCallHead::Kind::kUnfinished:
      return;
    case ToolCallHead::Kind::kNone:
      return back_to_text();
    case ToolCallHead::Kind::kOpen:
    case ToolCallHead::Kind::kWhole:
      return begin_call(head);
  }
}

void ToolCallParser::begin_call(const ToolCallHead& head) {
  flush_text();
  space_.clear();
  tell(AnswerPiece::Kind::kCall, head.name);
  const std::string held = std::exchange(held_, {});
  extent_ = {};
  if (head.kind == ToolCallHead::Kind::kOpen) {
    state_ = State::kArguments;
    return take(std::string_view(held).substr(head.arguments_begin));
  }
  tell(AnswerPiece::Kind::kArguments, head.arguments);
  state_ = State::kTail;
  // The object's end was read, which is the end of the call where there is no tag for it.
  if (syntax_ == ToolSyntax::kLlama) end_call();
  take(std::string_view(held).substr(head.end));
}

void ToolCallParser::end_call() {
  tell(AnswerPiece::Kind::kCallEnd, {});
  held_.clear();
  state_ = State::kBetween;
}

// What was held is no call, but there may be one in the rest of it.
void ToolCallParser::back_to_text() {
  const std::string held = std::exchange(held_, {});
  state_ = State::kText;
  say(held.front());
  take(std::string_view(held).substr(1));
}

void ToolCallParser::take_argument(char c) {
  const std::string_view end = tags_of(syntax_).call_end;
  // Outside of strings JSON has no '<': the object was left open.
  if (!held_.empty() || (c == '<' && end.starts_with('<') && !extent_.in_string())) {
    held_ += c;
    if (held_ == end) return end_call();
    if (end.starts_with(held_)) return;
    const std::string held = std::exchange(held_, {});
    tell(AnswerPiece::Kind::kArguments, held.substr(0, 1));
    return take(std::string_view(held).substr(1));
  }
  tell(AnswerPiece::Kind::kArguments, {&c, 1});
  if (extent_.push(c)) state_ = State::kTail;
}

void ToolCallParser::take_tail(char c) {
  held_ += c;
  const SyntaxTags& tags = tags_of(syntax_);
  if (held_.ends_with(tags.call_end)) return end_call();
  if (!tags.calls_end.empty() && held_.ends_with(tags.calls_end)) return end_call();
  for (const std::string_view opening : tags.openings) {
    if (!held_.ends_with(opening)) continue;
    tell(AnswerPiece::Kind::kCallEnd, {});
    held_ = opening;
    state_ = State::kHead;
    return;
  }
  if (held_.size() < kMostTailBytes) return;
  const std::string rest = without_leading(held_, tags.after_arguments);
  end_call();
  take(rest);
}

void ToolCallParser::take_between(char c) {
  held_ += c;
  const SyntaxTags& tags = tags_of(syntax_);
  held_ = without_leading(held_, tags.separators);
  if (held_.empty()) return;
  if (held_ == tags.calls_end) return held_.clear();
  if (tags.calls_end.starts_with(held_)) return;
  const bool opens = held_.front() == (syntax_ == ToolSyntax::kLlama ? '{' : '<');
  state_ = opens ? State::kHead : State::kText;
  if (opens) return take_head();
  fence_.push('\n');
  take(std::exchange(held_, {}));
}

void ToolCallParser::say(char c) {
  text_ += c;
  has_text_ = has_text_ || kSpaces.find(c) == std::string_view::npos;
  fence_.push(c);
}

void ToolCallParser::flush_text() {
  const std::size_t visible_end = text_.find_last_not_of(kSpaces) + 1;
  if (visible_end > 0)
    tell(AnswerPiece::Kind::kText, std::exchange(space_, {}) + text_.substr(0, visible_end));
  space_ += text_.substr(visible_end);
  text_.clear();
}

void ToolCallParser::tell(AnswerPiece::Kind kind, std::string_view text) {
  if (text.empty() && (kind == AnswerPiece::Kind::kText || kind == AnswerPiece::Kind::kArguments)) return;
  const bool goes_on = !pieces_.empty() && pieces_.back().kind == kind && kind != AnswerPiece::Kind::kCallEnd;
  if (goes_on) {
    pieces_.back().text += text;
  } else {
    pieces_.push_back({kind, std::string(text)});
  }
}

}  // namespace aloud
