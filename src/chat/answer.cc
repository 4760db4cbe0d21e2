// Looks for the marks from the end.
#include "chat/answer.h"

#include <utility>

namespace aloud {
namespace {

struct Marked {
  std::size_t begin = 0;  // of the marked text
  std::string_view text;
};

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// What lies between an opening brace just before `begin` and the brace that closes it.
std::optional<std::string_view> braced(std::string_view text, std::size_t begin) {
  int depth = 1;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;  // \{ and \} are no braces
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return text.substr(begin, i - begin);
    }
  }
  return std::nullopt;
}

std::optional<Marked> last_box(std::string_view text) {
  constexpr std::string_view kBox = "\\boxed{";
  for (std::size_t at = text.rfind(kBox); at != std::string_view::npos;
       at = at == 0 ? std::string_view::npos : text.rfind(kBox, at - 1)) {
    const std::size_t begin = at + kBox.size();
    if (const auto inside = braced(text, begin)) return Marked{begin, *inside};
  }
  return std::nullopt;
}

// Runs of two or more asterisks open when text follows directly and close when text precedes directly.
std::optional<Marked> last_bold(std::string_view text) {
  std::optional<Marked> found;
  constexpr std::size_t kClosed = std::string_view::npos;
  std::size_t open = kClosed;  // where bold text began
  for (std::size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with("\n\n")) open = kClosed;
    if (text[i] != '*') {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && text[end] == '*') ++end;
    if (end - i >= 2) {
      const bool may_open = end < text.size() && !is_space(text[end]);
      const bool may_close = i > 0 && !is_space(text[i - 1]);
      if (open != kClosed && may_close) {
        found = Marked{open, text.substr(open, i - open)};
        open = kClosed;
      } else if (may_open) {
        open = end;
      }
    }
    i = end;
  }
  return found;
}

}  // namespace

std::optional<std::string> marked_answer(std::string_view reply) {
  const std::optional<Marked> box = last_box(reply);
  const std::optional<Marked> bold = last_bold(reply);
  if (!box && !bold) return std::nullopt;
  const Marked& last = !bold || (box && box->begin > bold->begin) ? *box : *bold;
  return std::string(trimmed(last.text));
}

}  // namespace aloud
