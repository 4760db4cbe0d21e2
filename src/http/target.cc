// Decodes segment by segment, so that an encoded slash never separates.
#include "http/target.h"

#include <algorithm>

#include "base/hex_digit.h"
#include "base/utf8.h"
#include "http/text.h"

namespace aloud {
namespace {

// In a query, '+' is a space, and the white space of a text may be meant.
enum class Part { kPath, kQuery };

bool is_allowed(char c, Part part) {
  if (part == Part::kQuery && (c == '\n' || c == '\r' || c == '\t')) return true;
  return static_cast<unsigned char>(c) >= 0x20 && c != 0x7F;
}

// False: malformed.
bool decode(std::string_view text, Part part, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return false;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && part == Part::kQuery) {
      c = ' ';
    }
    if (!is_allowed(c, part)) return false;
    out += c;
  }
  return is_valid_utf8(out);
}

// Calls take(piece) for what lies between the separators; stops when it says false, and says so.
template <class Take>
bool split(std::string_view text, char separator, const Take& take) {
  while (true) {
    const std::size_t end = text.find(separator);
    if (!take(text.substr(0, end))) return false;
    if (end == text.npos) return true;
    text.remove_prefix(end + 1);
  }
}

bool parse_path(std::string_view path, std::vector<std::string>& segments) {
  if (!path.starts_with('/')) return false;
  return split(path.substr(1), '/', [&](std::string_view piece) {
    std::string& segment = segments.emplace_back();
    return decode(piece, Part::kPath, segment) && segment != "." && segment != "..";
  });
}

bool parse_query(std::string_view query, std::vector<HttpField>& fields) {
  return split(query, '&', [&](std::string_view piece) {
    if (piece.empty()) return true;
    const std::size_t equals = std::min(piece.find('='), piece.size());
    HttpField& field = fields.emplace_back();
    return decode(piece.substr(0, equals), Part::kQuery, field.name) &&
           (equals == piece.size() || decode(piece.substr(equals + 1), Part::kQuery, field.value));
  });
}

}  // namespace

std::string HttpTarget::path() const {
  std::string out;
  for (const std::string& segment : segments) (out += '/') += segment;
  return out;
}

tl::expected<HttpTarget, HttpRefusal> parse_target(std::string_view target) {
  HttpTarget out;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::size_t end = std::min(target.find_first_of("/?#"), target.size());
    out.authority = target.substr(0, end);
    target.remove_prefix(end);
    if (out.authority.empty()) return tl::unexpected(HttpRefusal{400, "the target names no host"});
    break;
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, question);
  if (path.empty() && !out.authority.empty()) path = "/";
  if (target.find('#') != target.npos || !parse_path(path, out.segments)) {
    return tl::unexpected(HttpRefusal{400, "the path of the target is malformed"});
  }
  if (question < target.size() && !parse_query(target.substr(question + 1), out.query)) {
    return tl::unexpected(HttpRefusal{400, "the query of the target is malformed"});
  }
  return out;
}

}  // namespace aloud
