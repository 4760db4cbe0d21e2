// A conversation as a file.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "chat/message.h"

namespace aloud {

// Markdown, thoughts as quotations; or JSON ([{"role", "content", "reasoning_content"}]) when the name ends
// in .json.
std::string transcript(std::span<const Message> messages, bool json);

// Writes it for its owner only. Errors: the file exists (unless overwrite) or cannot be written.
Status save_transcript(const std::string& path, std::span<const Message> messages, bool overwrite);

// "aloud-20250120-083000.md", from the local time.
std::string transcript_name();

}  // namespace aloud
