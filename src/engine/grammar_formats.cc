// Patterns for dates, times, addresses and identifiers.
#include "engine/grammar_formats.h"

#include <fmt/format.h>

namespace aloud {

namespace {

// RFC 3339, with the days that a month has.
std::string date() {
  const std::string leap_year =
      "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";
  return fmt::format(
      "(?:[0-9]{{4}}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|"
      "02-(?:0[1-9]|1[0-9]|2[0-8]))|{}-02-29)",
      leap_year);
}

std::string time() {
  return "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?"
         "(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])";
}

// ISO 8601: units in their order, at least one, and one after T.
std::string duration() {
  const std::string n = "[0-9]{1,6}";
  const std::string clock = fmt::format("T(?:{0}H(?:{0}M)?(?:{0}S)?|{0}M(?:{0}S)?|{0}S)", n);
  const std::string days = fmt::format("(?:{0}Y(?:{0}M)?(?:{0}D)?|{0}M(?:{0}D)?|{0}D)", n);
  return fmt::format("P(?:{0}(?:{1})?|{1}|{2}W)", days, clock, n);
}

std::string ipv4() {
  const std::string byte = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
  return fmt::format("{0}\\.{0}\\.{0}\\.{0}", byte);
}

// RFC 4291 without an IPv4 address at its end. `::` stands for at least one group.
std::string ipv6() {
  const std::string h = "[0-9A-Fa-f]{1,4}";
  // Alternatives without brackets: it is always a whole pattern.
  std::string pattern = fmt::format("(?:{0}:){{7}}{0}|::|(?:{0}:){{1,7}}:|::{0}(?::{0}){{0,6}}", h);
  for (int before = 1; before <= 6; ++before)
    pattern += fmt::format("|(?:{0}:){{{1}}}(?::{0}){{1,{2}}}", h, before, 7 - before);
  return pattern;
}

std::string hostname() {
  const std::string label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,20}[A-Za-z0-9])?";
  return fmt::format("{0}(?:\\.{0}){{0,5}}", label);
}

std::string email() {
  const std::string atom = "[A-Za-z0-9_+-]+";
  const std::string label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,20}[A-Za-z0-9])?";
  return fmt::format("{0}(?:\\.{0})*@(?:{1}\\.){{1,5}}[A-Za-z]{{2,12}}", atom, label);
}

// RFC 3986: a scheme, then an authority with a path, or a path alone; query and fragment.
std::string uri() {
  const std::string character = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";
  const std::string authority =
      fmt::format("(?:[A-Za-z0-9._~-]+@)?(?:{}|{})(?::[0-9]{{1,5}})?", hostname(), ipv4());
  return fmt::format(
      "[A-Za-z][A-Za-z0-9+.-]*:(?://{1}(?:/{0}*)*|{0}+(?:/{0}*)*)(?:\\?(?:{0}|[/?])*)?(?:#(?:{0}|[/?])*)?",
      character, authority);
}

}  // namespace

std::optional<std::string> format_pattern(std::string_view format) {
  if (format == "date") return date();
  if (format == "time") return time();
  if (format == "date-time") return date() + "T" + time();
  if (format == "duration") return duration();
  if (format == "email") return email();
  if (format == "hostname") return hostname();
  if (format == "ipv4") return ipv4();
  if (format == "ipv6") return ipv6();
  if (format == "uri") return uri();
  if (format == "uuid") return "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}";
  return std::nullopt;
}

}  // namespace aloud
