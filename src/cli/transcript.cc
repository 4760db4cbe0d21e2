// Writes conversations as Markdown or JSON.
#include "cli/transcript.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/printable.h"
#include "cli/language.h"

namespace aloud {
namespace {

const char* heading(Role role) {
  switch (role) {
    case Role::kSystem:
      return tr("System", "系统");
    case Role::kUser:
      return tr("You", "用户");
    case Role::kTool:
      return tr("Tool", "工具");
    case Role::kAssistant:
      break;
  }
  return tr("Model", "模型");
}

std::string as_quotation(std::string_view text) {
  std::string out = "> ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "> ";
  }
  return out;
}

}  // namespace

std::string transcript(std::span<const Message> messages, bool json) {
  if (json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Message& message : messages) {
      nlohmann::ordered_json entry = {{"role", std::string(name(message.role))},
                                      {"content", message.content}};
      if (!message.thought.empty()) entry["reasoning_content"] = message.thought;
      list.push_back(std::move(entry));
    }
    return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  std::string text;
  for (const Message& message : messages) {
    text += fmt::format("{}## {}\n\n", text.empty() ? "" : "\n", heading(message.role));
    if (!message.thought.empty()) text += as_quotation(message.thought) + "\n\n";
    text += message.content + "\n";
  }
  return text;
}

Status save_transcript(const std::string& path, std::span<const Message> messages, bool overwrite) {
  const std::string text = transcript(messages, std::string_view(path).ends_with(".json"));
  const int file =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL), 0600);
  if (file < 0) return fail("{}: {}", printable(path), std::strerror(errno));
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(file, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      const int error = errno;
      ::close(file);
      return fail("{}: {}", printable(path), std::strerror(error));
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::close(file) != 0) return fail("{}: {}", printable(path), std::strerror(errno));
  return {};
}

std::string transcript_name() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return fmt::format("aloud-{:%Y%m%d-%H%M%S}.md", local);
}

}  // namespace aloud
