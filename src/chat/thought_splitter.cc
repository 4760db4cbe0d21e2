// A small state machine over tags and text.
#include "chat/thought_splitter.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "chat/spaces.h"

namespace aloud {
namespace {

// Bytes at the end of text that begin the tag.
std::size_t begun_tag(std::string_view text, std::string_view tag) {
  for (std::size_t length = std::min(tag.size() - 1, text.size()); length > 0; --length) {
    if (text.ends_with(tag.substr(0, length))) return length;
  }
  return 0;
}

}  // namespace

bool ends_in_thought(const Tokenizer& tokenizer, std::span<const TokenId> prompt) {
  const TokenId open = tokenizer.find_markup(kThoughtOpen);
  std::string tail;  // the text after the last markup token
  for (std::size_t i = prompt.size(); i > 0; --i) {
    const TokenId token = prompt[i - 1];
    if (tokenizer.is_markup(token)) {
      // Any other markup after an opening tag means that it was only mentioned, or closed.
      if (open != kNoToken) return token == open;
      break;
    }
    tail.insert(0, tokenizer.bytes(token));
    if (open == kNoToken && tail.size() > 64) break;
  }
  if (open != kNoToken) return false;
  // As ordinary text the tag may come from anyone: only at the very end does it open a thought.
  tail.erase(tail.find_last_not_of(kSpaces) + 1);
  return tail.ends_with(kThoughtOpen);
}

ThoughtSplitter::ThoughtSplitter(const Tokenizer& tokenizer, bool starts_in_thought)
    : tokenizer_(tokenizer),
      open_(tokenizer.find_markup(kThoughtOpen)),
      close_(tokenizer.find_markup(kThoughtClose)),
      decoder_(tokenizer),
      state_(starts_in_thought ? State::kThought : State::kStart),
      has_thought_(starts_in_thought) {}

void ThoughtSplitter::expect_answer_only() {
  state_ = State::kAnswer;
  answer_only_ = true;
}

ThoughtSplitter::Text ThoughtSplitter::push(TokenId token) {
  Text out;
  const bool was_thought = in_thought();
  ++undecided_tokens_;
  if (token == open_ || token == close_) {
    take_text(decoder_.finish(), out);
    if (token == open_) {
      take_open(out);
    } else {
      take_close(out);
    }
  } else {
    take_text(decoder_.push(token), out);
  }
  if (was_thought || in_thought()) thought_tokens_ += undecided_tokens_;
  if (was_thought || in_thought() || has_answer()) undecided_tokens_ = 0;
  return out;
}

ThoughtSplitter::Text ThoughtSplitter::give(TokenId token) {
  const std::int64_t thought = thought_tokens_, undecided = undecided_tokens_;
  Text out = push(token);
  thought_tokens_ = thought;
  undecided_tokens_ = undecided;
  return out;
}

ThoughtSplitter::Text ThoughtSplitter::begin_answer() {
  CHECK(!in_thought());
  Text out;
  take_text(decoder_.finish(), out);
  flush(out);
  state_ = State::kAnswer;
  return out;
}

ThoughtSplitter::Text ThoughtSplitter::close() {
  Text out;
  take_text(decoder_.finish(), out);
  flush(out);
  if (in_thought()) take_close(out);
  may_open_ = false;
  return out;
}

ThoughtSplitter::Text ThoughtSplitter::finish() {
  Text out;
  take_text(decoder_.finish(), out);
  flush(out);
  return out;
}

void ThoughtSplitter::take_open(Text& out) {
  flush(out);
  if (state_ == State::kStart) {
    begin_thought();
  } else if (in_thought()) {
    // An opening tag in front of a thought that the template opened already is no text; a later one is.
    if (thought_begun_) emit_thought(kThoughtOpen, out);
  } else {
    emit_answer(kThoughtOpen, out);
  }
}

void ThoughtSplitter::begin_thought() {
  if (!may_open_) return;
  if (thought_begun_) space_.assign(1, '\n');  // between two thoughts in a row
  state_ = State::kThought;
  has_thought_ = true;
  thought_begun_ = false;
}

void ThoughtSplitter::take_close(Text& out) {
  flush(out);
  if (in_thought()) {
    state_ = State::kStart;
    space_.clear();
  } else if (has_answer() && (has_thought_ || !at_line_start_ || answer_only_)) {
    emit_answer(kThoughtClose, out);
  }
}

void ThoughtSplitter::take_text(std::string_view text, Text& out) {
  if (text.empty()) return;
  held_ += text;
  // Each pass settles one state; a tag in the middle of the text changes it.
  for (bool again = true; again && !held_.empty();) {
    switch (state_) {
      case State::kStart:
        again = scan_start();
        break;
      case State::kThought:
        again = scan_thought(out);
        break;
      case State::kAnswer:
        emit_answer(std::exchange(held_, {}), out);
        again = false;
    }
  }
}

// True when there is more to look at.
bool ThoughtSplitter::scan_start() {
  const std::size_t visible = held_.find_first_not_of(kSpaces);
  if (visible == std::string::npos) return false;
  const std::string_view text = std::string_view(held_).substr(visible);
  for (const bool opening : {true, false}) {
    if ((opening ? open_ : close_) != kNoToken) continue;
    const std::string_view tag = opening ? kThoughtOpen : kThoughtClose;
    if (text.starts_with(tag)) {
      held_.erase(0, visible + tag.size());
      if (opening) begin_thought();
      return true;
      return true;
    }
    if (tag.starts_with(text)) return false;
  }
  state_ = State::kAnswer;
  held_.erase(0, std::min(visible, held_.find_first_not_of("\r\n")));
  return true;
}

// True when there is more to look at.
bool ThoughtSplitter::scan_thought(Text& out) {
  if (close_ != kNoToken) {
    emit_thought(std::exchange(held_, {}), out);
    return false;
  }
  const std::size_t end = held_.find(kThoughtClose);
  if (end != std::string::npos) {
    emit_thought(held_.substr(0, end), out);
    held_.erase(0, end + kThoughtClose.size());
    state_ = State::kStart;
    space_.clear();
    return true;
  }
  const std::size_t hold = begun_tag(held_, kThoughtClose);
  emit_thought(held_.substr(0, held_.size() - hold), out);
  held_.erase(0, held_.size() - hold);
  return false;
}

void ThoughtSplitter::emit_thought(std::string_view text, Text& out) {
  if (!thought_begun_) text.remove_prefix(std::min(text.size(), text.find_first_not_of(kSpaces)));
  if (text.empty()) return;
  thought_begun_ = true;
  const std::size_t visible_end = text.find_last_not_of(kSpaces) + 1;
  if (visible_end > 0) {
    out.thought += std::exchange(space_, {});
    out.thought += text.substr(0, visible_end);
  }
  space_ += text.substr(visible_end);
}

void ThoughtSplitter::emit_answer(std::string_view text, Text& out) {
  if (text.empty()) return;
  out.answer += text;
  at_line_start_ = text.back() == '\n';
}

// Text that was held back as a possible tag is none, as something else came.
void ThoughtSplitter::flush(Text& out) {
  if (held_.empty()) return;
  if (in_thought()) {
    emit_thought(std::exchange(held_, {}), out);
  } else if (held_.find_first_not_of(kSpaces) == std::string::npos) {
    held_.clear();  // white space before an answer that never came, or before a tag
  } else {
    state_ = State::kAnswer;
    held_.erase(0, held_.find_first_not_of("\r\n"));
    emit_answer(std::exchange(held_, {}), out);
  }
}

}  // namespace aloud
