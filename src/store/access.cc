// Days and scopes as texts.
#include "store/access.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

namespace aloud {

std::string utc_day(std::int64_t time_ms) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(time_ms / 1000)));
}

std::optional<Scopes> parse_scopes(std::string_view text) {
  Scopes scopes{.chat = false, .admin = false};
  while (true) {
    const std::string_view word = text.substr(0, text.find(','));
    if (word == "chat") {
      scopes.chat = true;
    } else if (word == "admin") {
      scopes.admin = true;
    } else {
      return std::nullopt;
    }
    if (word.size() == text.size()) return scopes;
    text.remove_prefix(word.size() + 1);
  }
}

std::string scopes_text(Scopes scopes) {
  if (scopes.chat && scopes.admin) return "chat,admin";
  return scopes.admin ? "admin" : "chat";
}

}  // namespace aloud
