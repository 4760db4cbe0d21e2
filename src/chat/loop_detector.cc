// Counts, for every period at once, how long the text has been repeating itself.
#include "chat/loop_detector.h"

#include <algorithm>
#include <functional>
#include <set>

#include "base/utf8.h"

namespace aloud {
namespace {

// Shorter ones are said often: "Wait.", "So x = 3."
constexpr std::size_t kShortestSentenceBytes = 20;
// A line without an end is cut here.
constexpr std::size_t kLongestSentenceBytes = 1024;

// Roughly: punctuation, arrows, drawings and emoji are none.
bool is_letter(char32_t c) {
  if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool is_sign = c < 0xC0 || (c >= 0x2000 && c < 0x2C00) || (c >= 0x3000 && c < 0x3040) ||
                       (c >= 0xFE00 && c < 0xFF21) || c >= 0x1F000;
  return !is_sign;
}

// Letters outweigh digits and signs.
bool is_wordy(std::string_view text) {
  std::int64_t letters = 0, others = 0;
  while (!text.empty()) {
    const CodePoint point = decode_utf8(text);
    text.remove_prefix(point.length);
    if (point.value <= ' ') continue;
    ++(is_letter(point.value) ? letters : others);
  }
  return letters > others;
}

}  // namespace

bool LoopDetector::push(TokenId token, std::string_view bytes) {
  if (tokens_.size() == 2 * kLongestPeriod) {
    tokens_.erase(tokens_.begin(), tokens_.begin() + kLongestPeriod);
    bytes_.erase(bytes_.begin(), bytes_.begin() + kLongestPeriod);
  }
  ++taken_;
  const bool circles = repeats(token);
  bytes_.emplace_back(bytes);
  for (const char c : bytes) read(c);
  return circles || sentences_return_;
}

bool LoopDetector::repeats(TokenId token) {
  tokens_.push_back(token);
  const std::size_t last = tokens_.size() - 1;
  const std::size_t longest = std::min<std::size_t>(last, kLongestPeriod);
  for (std::size_t period = 1; period <= longest; ++period)
    runs_[period] = tokens_[last - period] == token ? runs_[period] + 1 : 0;
  for (std::size_t period = 1; period <= longest; ++period) {
    const auto length = static_cast<std::int64_t>(period);
    const std::int64_t repeated = runs_[period] + length;
    if (repeated < std::max(kFewestRepeats * length, limits_.words_tokens)) continue;
    return repeated >= kPatternTokens || (!fence_.is_open() && is_wordy_period(period));
  }
  return false;
}

// Looks at the period that ended with the token before the last, whose bytes are known.
bool LoopDetector::is_wordy_period(std::size_t period) const {
  std::string text;
  for (std::size_t i = bytes_.size() - std::min(period, bytes_.size()); i < bytes_.size(); ++i)
    text += bytes_[i];
  return is_wordy(text);
}

void LoopDetector::read(char c) {
  fence_.push(c);
  const bool ends_line = c == '\n';
  const bool is_space = c == ' ' || ends_line;
  const bool ends_sentence = is_space && !sentence_.empty() &&
                             std::string_view(".?!").find(sentence_.back()) != std::string_view::npos;
  if (!(is_space && sentence_.empty())) sentence_ += c;
  const auto ends_in = [&](std::string_view mark) { return sentence_.ends_with(mark); };
  if (ends_line || ends_sentence || ends_in("。") || ends_in("？") || ends_in("！") ||
      sentence_.size() >= kLongestSentenceBytes) {
    end_sentence();
  }
}

void LoopDetector::end_sentence() {
  while (!sentence_.empty() && (sentence_.back() == ' ' || sentence_.back() == '\n')) sentence_.pop_back();
  const bool counts = sentence_.size() >= kShortestSentenceBytes && !fence_.is_open() && is_wordy(sentence_);
  if (counts) {
    if (sentences_.size() == limits_.sentences) sentences_.pop_front();
    sentences_.push_back({std::hash<std::string>()(sentence_), taken_});
    sentences_return_ = sentences_return();
  }
  sentence_.clear();
}

bool LoopDetector::sentences_return() const {
  if (sentences_.size() < limits_.sentences) return false;
  if (taken_ - sentences_.front().token < limits_.words_tokens) return false;
  std::set<std::size_t> different;
  for (const Sentence& sentence : sentences_) different.insert(sentence.hash);
  return different.size() <= kMostDifferentSentences;
}

}  // namespace aloud
