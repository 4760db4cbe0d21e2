// Asks for titles and tidies them.
#include "chat/title.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"

namespace aloud {
namespace {

constexpr std::size_t kMostExcerptBytes = 1000;
constexpr std::size_t kMostTitleBytes = 120;

// Ends between characters.
std::string shortened(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return std::string(text);
  text = text.substr(0, most_bytes);
  text.remove_suffix(incomplete_utf8_suffix(text));
  return std::string(text) + "…";
}

std::string_view stripped(std::string_view text) {
  constexpr std::string_view kMarks[] = {" ", ".", "。", "\t", "\r", "\n", "\"", "'",  "*",
                                         "#", "`", "_",  "“",  "”",  "「", "」", "《", "》"};
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view mark : kMarks) {
      if (text.starts_with(mark)) text.remove_prefix(mark.size()), again = true;
      if (text.ends_with(mark)) text.remove_suffix(mark.size()), again = true;
    }
  }
  return text;
}

}  // namespace

std::vector<Message> title_prompt(std::span<const Message> messages) {
  std::string excerpt;
  for (const Role role : {Role::kUser, Role::kAssistant}) {
    const auto first = std::ranges::find(messages, role, &Message::role);
    if (first == messages.end() || first->content.empty()) continue;
    excerpt += fmt::format("{}: {}\n\n", name(role), shortened(first->content, kMostExcerptBytes));
  }
  return {
      {.role = Role::kUser,
       .content = fmt::format("{}Write a title of two to six words for this conversation, in its language. "
                              "Answer with the title alone.",
                              excerpt)}};
}

std::string clean_title(std::string_view reply) {
  reply = stripped(reply);
  reply = stripped(reply.substr(0, reply.find('\n')));
  for (const std::string_view prefix : {"Title:", "title:", "标题：", "标题:"}) {
    if (reply.starts_with(prefix)) reply = stripped(reply.substr(prefix.size()));
  }
  return shortened(reply, kMostTitleBytes);
}

}  // namespace aloud
