// A title for a conversation, by the model that holds it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/message.h"

namespace aloud {

// Enough for a title; short, so that it is cheap.
inline constexpr std::int64_t kMostTitleTokens = 32;

// Asks for a title of a conversation. Reply to it without thinking and with kMostTitleTokens at most. Long
// messages are shortened, and only the first question and the first answer are looked at.
std::vector<Message> title_prompt(std::span<const Message> messages);

// The title in such a reply: one line without quotation marks, markup and full stop; may be empty.
std::string clean_title(std::string_view reply);

}  // namespace aloud
