// The published patterns as hand-written scanners: what a backtracking matcher would find, found in one pass.
#include "text/pre_tokenizer.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "base/utf8.h"
#include "text/unicode.h"

namespace aloud {
namespace {

// Each pattern stands above its scanner. \s is White_Space; O stands for [^\s\p{L}\p{N}].

struct Glyph {
  char32_t value = 0;
  UnicodeClasses classes = 0;
  std::size_t length = 0;  // bytes; 0 at the end of the text
};

// The code point at `at`, which may be the end.
inline Glyph glyph_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {};
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 0x80) return {byte, kUnicodeClasses[0][byte], 1};
  const CodePoint point = decode_utf8(text.substr(at));
  return {point.value, unicode_classes(point.value), point.length};
}

// The end of the run of code points from `at` on that have one of the classes.
inline std::size_t run_end(std::string_view text, std::size_t at, UnicodeClasses classes) {
  for (;;) {
    const Glyph glyph = glyph_at(text, at);
    if ((glyph.classes & classes) == 0) return at;
    at += glyph.length;
  }
}

// The same for code points that have none of them.
inline std::size_t run_end_without(std::string_view text, std::size_t at, UnicodeClasses classes) {
  for (;;) {
    const Glyph glyph = glyph_at(text, at);
    if (glyph.length == 0 || (glyph.classes & classes) != 0) return at;
    at += glyph.length;
  }
}

inline bool is_other(const Glyph& glyph) {
  return glyph.length != 0 && (glyph.classes & (kSpace | kLetter | kNumber)) == 0;
}

// A matcher gives the length in bytes of its pattern's match at the start of text (not empty), 0 when there
// is none. It runs through a prefix of text only where it then matches nearly all of it: that keeps scanning
// linear.

// 's|'t|'re|'ve|'m|'ll|'d
std::size_t match_contraction(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  const std::string_view two = text.substr(1, 2);
  if (two == "re" || two == "ve" || two == "ll") return 3;
  return std::string_view("stmd").find(text[1]) != std::string_view::npos ? 2 : 0;
}

// The same with (?i:...). U+017F, the long s, folds to s.
std::size_t match_contraction_any_case(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  if (text.substr(1, 2) == "\u017F") return 3;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  const char folded[3] = {'\'', lower(text[1]), text.size() > 2 ? lower(text[2]) : '\0'};
  return match_contraction({folded, text.size() > 2 ? 3u : 2u});
}

// \s+(?!\S)|\s+ from a space on: all of the run at the end of the text; else all but its last code point,
// which the next piece may want; a run of one stays whole.
std::size_t match_spaces(std::string_view text) {
  std::size_t last = 0;
  std::size_t end = 0;
  for (;;) {
    const Glyph glyph = glyph_at(text, end);
    if ((glyph.classes & kSpace) == 0) break;
    last = end;
    end += glyph.length;
  }
  return end == text.size() || last == 0 ? end : last;
}

// \s*[\r\n]+|\s+(?!\S)|\s+ from a space on: up to the last line end of the run, where it has one.
std::size_t match_lines_or_spaces(std::string_view text) {
  std::size_t lines = 0;
  std::size_t end = 0;
  std::size_t last = 0;
  for (;;) {
    const Glyph glyph = glyph_at(text, end);
    if ((glyph.classes & kSpace) == 0) break;
    last = end;
    end += glyph.length;
    if ((glyph.classes & kLineEnd) != 0) lines = end;
  }
  if (lines != 0) return lines;
  return end == text.size() || last == 0 ? end : last;
}

// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?O+|\s+(?!\S)|\s+
std::size_t match_gpt2(std::string_view text) {
  if (const std::size_t length = match_contraction(text)) return length;
  const std::size_t start = text[0] == ' ' ? 1 : 0;
  const Glyph glyph = glyph_at(text, start);
  if (glyph.classes & kLetter) return run_end(text, start, kLetter);
  if (glyph.classes & kNumber) return run_end(text, start, kNumber);
  if (is_other(glyph)) return run_end_without(text, start, kSpace | kLetter | kNumber);
  return match_spaces(text);
}

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,kDigits}| ?O+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
template <int kDigits>
std::size_t match_llama(std::string_view text) {
  if (const std::size_t length = match_contraction_any_case(text)) return length;
  const Glyph first = glyph_at(text, 0);
  if (first.classes & kLetter) return run_end(text, first.length, kLetter);
  const Glyph second = glyph_at(text, first.length);
  if (first.classes & kNumber) {
    if (kDigits == 1 || (second.classes & kNumber) == 0) return first.length;
    const std::size_t two = first.length + second.length;
    const Glyph third = glyph_at(text, two);
    return (third.classes & kNumber) != 0 ? two + third.length : two;
  }
  if ((first.classes & kLineEnd) == 0 && (second.classes & kLetter) != 0) {
    return run_end(text, first.length + second.length, kLetter);
  }
  if (is_other(first) || (text[0] == ' ' && is_other(second))) {
    return run_end(text, run_end_without(text, first.length, kSpace | kLetter | kNumber), kLineEnd);
  }
  return match_lines_or_spaces(text);
}

inline bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|
// ?[\p{P}\p{S}]+[\r\n]*| \s*[\r\n]+|\s+(?!\S)|\s+
std::size_t match_deepseek_v3(std::string_view text) {
  const Glyph first = glyph_at(text, 0);
  if (first.classes & (kLetter | kMark)) return run_end(text, first.length, kLetter | kMark);
  const Glyph second = glyph_at(text, first.length);
  if (first.classes & (kPunctuation | kSymbol)) {
    if (first.value < 0x80 && text.size() > 1 && is_ascii_letter(text[1])) {
      std::size_t end = 2;
      while (end < text.size() && is_ascii_letter(text[end])) ++end;
      return end;
    }
    return run_end(text, run_end(text, first.length, kPunctuation | kSymbol), kLineEnd);
  }
  if ((first.classes & kLineEnd) == 0 && (second.classes & (kLetter | kMark)) != 0) {
    return run_end(text, first.length + second.length, kLetter | kMark);
  }
  if (text[0] == ' ' && (second.classes & (kPunctuation | kSymbol)) != 0) {
    return run_end(text, run_end(text, first.length, kPunctuation | kSymbol), kLineEnd);
  }
  return (first.classes & kSpace) != 0 ? match_lines_or_spaces(text) : 0;
}

// \p{N}{1,kMost}; 0 is no limit.
template <int kMost>
std::size_t match_numbers(std::string_view text) {
  std::size_t end = 0;
  for (int count = 0; kMost == 0 || count < kMost; ++count) {
    const Glyph glyph = glyph_at(text, end);
    if ((glyph.classes & kNumber) == 0) break;
    end += glyph.length;
  }
  return end;
}

// [\r\n]
std::size_t match_line_end(std::string_view text) { return text[0] == '\r' || text[0] == '\n' ? 1 : 0; }

// The run of code points that `belongs` says yes to.
template <class Belongs>
std::size_t match_run(std::string_view text, Belongs belongs) {
  std::size_t end = 0;
  for (;;) {
    const Glyph glyph = glyph_at(text, end);
    if (glyph.length == 0 || !belongs(glyph)) return end;
    end += glyph.length;
  }
}

// \s?X+ where X is what `belongs` says yes to. It may be a space itself: then \s? gives back what X+ needs.
template <class Belongs>
std::size_t match_run_after_space(std::string_view text, Belongs belongs) {
  const Glyph first = glyph_at(text, 0);
  const std::size_t skipped = (first.classes & kSpace) != 0 ? first.length : 0;
  const std::size_t run = match_run(text.substr(skipped), belongs);
  if (run != 0) return skipped + run;
  return skipped != 0 && belongs(first) ? skipped : 0;
}

// [\u4E00-\u9FA5\u3040-\u30FF]+
std::size_t match_deepseek_v3_cjk(std::string_view text) {
  return match_run(text, [](const Glyph& glyph) {
    return (glyph.value >= 0x4E00 && glyph.value <= 0x9FA5) ||
           (glyph.value >= 0x3040 && glyph.value <= 0x30FF);
  });
}

// [\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+
std::size_t match_deepseek_cjk(std::string_view text) {
  return match_run(text, [](const Glyph& glyph) {
    return (glyph.value >= 0x0800 && glyph.value <= 0x9FA5) ||
           (glyph.value >= 0xAC00 && glyph.value <= 0xD7FF);
  });
}

// \s?\p{L}+
std::size_t match_deepseek_coder_letters(std::string_view text) {
  return match_run_after_space(text, [](const Glyph& glyph) { return (glyph.classes & kLetter) != 0; });
}

// \s?\p{P}+
std::size_t match_deepseek_coder_punctuation(std::string_view text) {
  return match_run_after_space(text, [](const Glyph& glyph) { return (glyph.classes & kPunctuation) != 0; });
}

// \s?[...]+ with the letters that the pattern lists
std::size_t match_deepseek_llm_letters(std::string_view text) {
  return match_run_after_space(text,
                               [](const Glyph& glyph) { return (glyph.classes & kDeepseekLetter) != 0; });
}

// \s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+; letters between : and ~ are gone by then
std::size_t match_deepseek_llm_punctuation(std::string_view text) {
  return match_run_after_space(text, [](const Glyph& glyph) {
    const char32_t c = glyph.value;
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '~') || (c >= 0xFF01 && c <= 0xFF0F) ||
           (c >= 0xFF1A && c <= 0xFF5E) || (c >= 0x2018 && c <= 0x201F) || (c >= 0x3000 && c <= 0x3002);
  });
}

// A stage that makes every match a piece, and what lies between two matches too.
template <std::size_t (*kMatch)(std::string_view)>
void isolate(std::string_view text, PieceSink& sink) {
  std::size_t gap = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t length = kMatch(text.substr(at));
    if (length == 0) {
      at += glyph_at(text, at).length;
      continue;
    }
    if (gap != at) sink.take(text.substr(gap, at - gap));
    sink.take(text.substr(at, length));
    at += length;
    gap = at;
  }
  if (gap != at) sink.take(text.substr(gap));
}

// \s+$ has a stage of its own: a matcher would run through every inner run of spaces once per space.
void isolate_trailing_spaces(std::string_view text, PieceSink& sink) {
  std::size_t end = 0;  // of what is not trailing space
  for (std::size_t at = 0; at < text.size();) {
    const Glyph glyph = glyph_at(text, at);
    at += glyph.length;
    if ((glyph.classes & kSpace) == 0) end = at;
  }
  if (end != 0) sink.take(text.substr(0, end));
  if (end != text.size()) sink.take(text.substr(end));
}

constexpr SplitStage kGpt2[] = {isolate<match_gpt2>};
constexpr SplitStage kSmollm[] = {isolate<match_numbers<1>>, isolate<match_gpt2>};
constexpr SplitStage kQwen2[] = {isolate<match_llama<1>>};
constexpr SplitStage kLlama3[] = {isolate<match_llama<3>>};
constexpr SplitStage kDeepseekLlm[] = {
    isolate<match_line_end>, isolate<match_deepseek_llm_letters>, isolate<match_deepseek_llm_punctuation>,
    isolate_trailing_spaces, isolate<match_deepseek_cjk>,         isolate<match_numbers<0>>};
constexpr SplitStage kDeepseekCoder[] = {isolate<match_line_end>, isolate<match_deepseek_coder_letters>,
                                         isolate<match_deepseek_coder_punctuation>,
                                         isolate<match_deepseek_cjk>, isolate<match_numbers<1>>};
constexpr SplitStage kDeepseekV3[] = {isolate<match_numbers<3>>, isolate<match_deepseek_v3_cjk>,
                                      isolate<match_deepseek_v3>};
constexpr std::size_t kMostStages = 6;

struct NamedPreTokenizer {
  std::string_view name;
  PreTokenizer value;
};

// Names that several model families share stand for the same pattern in the files that carry them.
constexpr NamedPreTokenizer kPreTokenizers[] = {
    {"", {kGpt2}},
    {"default", {kGpt2}},
    {"gpt2", {kGpt2}},
    {"gpt-2", {kGpt2}},
    {"phi-2", {kGpt2}},
    {"smollm", {kSmollm}},
    {"starcoder", {kSmollm}},
    {"refact", {kSmollm}},
    {"qwen2", {kQwen2}},
    {"deepseek-r1-qwen", {kQwen2}},
    {"megrez", {kQwen2}},
    {"llama-bpe", {kLlama3, true, true}},
    {"llama3", {kLlama3, true, true}},
    {"llama-v3", {kLlama3, true, true}},
    {"falcon3", {kLlama3, true, true}},
    {"smaug-bpe", {kLlama3}},
    {"deepseek-llm", {kDeepseekLlm}},
    {"deepseek-coder", {kDeepseekCoder}},
    {"deepseek-v3", {kDeepseekV3}},
    {"deepseek-r1", {kDeepseekV3}},
};

// Hands the pieces of one stage to the next.
class StageSink final : public PieceSink {
 public:
  void set(SplitStage stage, PieceSink* next) {
    stage_ = stage;
    next_ = next;
  }
  void take(std::string_view piece) override { stage_(piece, *next_); }

 private:
  SplitStage stage_ = nullptr;
  PieceSink* next_ = nullptr;
};

}  // namespace

void PreTokenizer::split(std::string_view text, PieceSink& sink) const {
  CHECK(!stages.empty() && stages.size() <= kMostStages);
  if (text.empty()) return;
  std::array<StageSink, kMostStages> chain;
  PieceSink* next = &sink;
  for (std::size_t i = stages.size(); i-- > 1;) {
    chain[i].set(stages[i], next);
    next = &chain[i];
  }
  stages[0](text, *next);
}

const PreTokenizer* find_pre_tokenizer(std::string_view name) {
  for (const NamedPreTokenizer& entry : kPreTokenizers) {
    if (entry.name == name) return &entry.value;
  }
  return nullptr;
}

}  // namespace aloud
