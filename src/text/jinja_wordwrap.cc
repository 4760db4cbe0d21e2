// The wordwrap filter: Python's textwrap.wrap() on each line.
#include <algorithm>

#include "base/utf8.h"
#include "text/jinja_filters.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_text.h"
#include "text/jinja_unicode.h"

namespace aloud::jinja {
namespace {

constexpr bool is_wrap_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool is_letter_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return false;
  const CodePoint point = decode_utf8(text.substr(at));
  return point.valid && (point.value == '_' || (classes_of(point.value) & kAlpha) != 0);
}

// Where a word may be cut after a hyphen: a letter before it (or two characters), a letter after it.
bool breaks_after_hyphen(std::string_view text, std::size_t word, std::size_t hyphen) {
  if (hyphen == word || hyphen < word + 2 || !is_letter_at(text, hyphen + 1)) return false;
  const std::size_t last = last_character(text.substr(0, hyphen));
  if (last <= word || !is_letter_at(text, last)) return false;
  return is_letter_at(text, last_character(text.substr(0, last)));
}

// Words and the whitespace between them, words cut after hyphens where that is allowed.
std::vector<TextSpan> chunks_of(Heap& heap, std::string_view text, TextSpan line, bool break_on_hyphens) {
  std::vector<TextSpan> chunks;
  std::size_t at = line.begin;
  while (at < line.end) {
    heap.charge(1);
    std::size_t end = at;
    if (is_wrap_space(text[at])) {
      while (end < line.end && is_wrap_space(text[end])) ++end;
    } else {
      const std::size_t word = at;
      while (end < line.end && !is_wrap_space(text[end])) {
        ++end;
        if (break_on_hyphens && text[end - 1] == '-' && end < line.end &&
            breaks_after_hyphen(text.substr(0, line.end), word, end - 1))
          break;
      }
    }
    chunks.push_back({at, end});
    at = end;
  }
  return chunks;
}

class Wrapper {
 public:
  Wrapper(Heap& heap, const Text& text, std::int64_t width, bool breaks_words, bool breaks_hyphens)
      : heap_(heap),
        text_(text),
        width_(width),
        breaks_words_(breaks_words),
        breaks_hyphens_(breaks_hyphens) {}

  // The pieces of text that make each line.
  std::vector<TextSpan> wrap(TextSpan line) {
    std::vector<TextSpan> lines;
    std::vector<TextSpan> chunks = chunks_of(heap_, text_.bytes, line, breaks_hyphens_);
    std::ranges::reverse(chunks);  // the next one last
    while (!chunks.empty()) {
      heap_.charge(1);
      if (!lines.empty() && is_wrap_space(text_.bytes[chunks.back().begin])) {
        chunks.pop_back();
        if (chunks.empty()) break;
      }
      const std::size_t begin = chunks.back().begin;
      std::size_t end = begin;
      std::int64_t size = 0;
      while (!chunks.empty() && size + characters(chunks.back()) <= width_) {
        size += characters(chunks.back());
        end = chunks.back().end;
        chunks.pop_back();
      }
      if (!chunks.empty() && characters(chunks.back()) > width_)
        end = cut_long_word(chunks, begin == end, width_ - size, end);
      while (end > begin && is_wrap_space(text_.bytes[end - 1])) --end;
      if (end > begin) lines.push_back({begin, end});
    }
    return lines;
  }

 private:
  std::int64_t characters(TextSpan span) {
    heap_.charge_bytes(span.end - span.begin);
    return text_.is_ascii() ? static_cast<std::int64_t>(span.end - span.begin)
                            : count_characters(text_.bytes.substr(span.begin, span.end - span.begin));
  }

  // A word longer than a line fills what is left of this one, or stands alone.
  std::size_t cut_long_word(std::vector<TextSpan>& chunks, bool line_is_empty, std::int64_t left,
                            std::size_t end) {
    TextSpan& word = chunks.back();
    if (breaks_words_) {
      std::int64_t take = std::max<std::int64_t>(width_ < 1 ? 1 : left, 0);
      std::size_t cut = word.begin;
      std::size_t hyphen = 0;
      for (; take > 0 && cut < word.end; --take) {
        if (text_.bytes[cut] == '-' && cut > word.begin) hyphen = cut + 1;
        cut += character_length(text_.bytes, cut);
      }
      if (breaks_hyphens_ && hyphen > word.begin + 1 &&
          text_.bytes.substr(word.begin, hyphen - 1 - word.begin).find_first_not_of('-') !=
              std::string_view::npos) {
        cut = hyphen;
      }
      word.begin = cut;
      if (word.begin == word.end) chunks.pop_back();
      return cut;
    }
    if (!line_is_empty) return end;
    end = word.end;
    chunks.pop_back();
    return end;
  }

  Heap& heap_;
  const Text& text_;
  std::int64_t width_;
  bool breaks_words_, breaks_hyphens_;
};

}  // namespace

Value apply_wordwrap(Interpreter& interpreter, const Value& input, Arguments& arguments) {
  const auto [width_given, break_words, separator_given, break_hyphens] =
      bind(arguments, "wordwrap", {"width", "break_long_words", "wrapstring", "break_on_hyphens"}, 0);
  Heap& heap = interpreter.heap();
  const std::int64_t width = width_given == nullptr ? 79 : require_integer(*width_given, "width");
  if (width <= 0) raise_error("invalid width {} (must be > 0)", width);
  const bool has_separator = separator_given != nullptr && !separator_given->is_none();
  const Text& separator =
      has_separator ? require_text(*separator_given, "wrapstring") : *new_text(heap, "\n");
  const Text& text = require_text(input, "wordwrap's input");
  Wrapper wrapper(heap, text, width, break_words == nullptr || truth(*break_words),
                  break_hyphens == nullptr || truth(*break_hyphens));
  TextBuilder out(heap);
  bool first = true;
  for (const TextSpan& line : split_lines(heap, text, false)) {
    std::vector<TextSpan> wrapped = wrapper.wrap(line);
    if (wrapped.empty()) wrapped.push_back({line.begin, line.begin});
    for (const TextSpan& piece : wrapped) {
      if (!first) out.append(separator);
      first = false;
      out.append(text, piece.begin, piece.end);
    }
  }
  return Value::of(out.finish());
}

}  // namespace aloud::jinja
