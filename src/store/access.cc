// Days and scopes, as texts and from them.
#include "store/access.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <ctime>

namespace aloud {

std::string utc_day(std::int64_t time_ms) {
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(static_cast<std::time_t>(time_ms / 1000)));
}

std::optional<std::int64_t> parse_utc_day(std::string_view text) {
  int year = 0;
  unsigned month = 0, day = 0;
  if (std::sscanf(std::string(text).c_str(), "%4d-%2u-%2u", &year, &month, &day) != 3) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  const std::int64_t time_ms =
      std::chrono::milliseconds(std::chrono::sys_days(date).time_since_epoch()).count();
  if (utc_day(time_ms) != text) return std::nullopt;
  return time_ms;
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
