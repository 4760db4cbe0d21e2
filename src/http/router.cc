// Patterns in the order of their precedence; the first that matches is the one.
#include "http/router.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace aloud {
namespace {

struct Segment {
  enum class Kind { kText, kOne, kRest };  // in the order of precedence
  Kind kind;
  std::string text;  // of kText

  bool operator==(const Segment&) const = default;
};

Segment parse_segment(std::string_view text) {
  if (!text.starts_with('{')) {
    CHECK(text.find_first_of("{}") == text.npos);
    return {Segment::Kind::kText, std::string(text)};
  }
  CHECK(text.size() > 2 && text.ends_with('}'));
  return {text.ends_with("...}") ? Segment::Kind::kRest : Segment::Kind::kOne, {}};
}

std::vector<Segment> parse_pattern(std::string_view pattern) {
  CHECK(pattern.starts_with('/'));
  std::vector<Segment> out;
  for (std::size_t begin = 1; begin <= pattern.size();) {
    const std::size_t end = std::min(pattern.find('/', begin), pattern.size());
    out.push_back(parse_segment(pattern.substr(begin, end - begin)));
    begin = end + 1;
    CHECK(out.back().kind != Segment::Kind::kRest || end == pattern.size());
  }
  return out;
}

// What the parameters stand for; nullopt: no match.
std::optional<std::vector<std::string>> match_segments(const std::vector<Segment>& pattern,
                                                       const std::vector<std::string>& path) {
  const bool has_rest = pattern.back().kind == Segment::Kind::kRest;
  if (has_rest ? path.size() < pattern.size() : path.size() != pattern.size()) return std::nullopt;
  std::vector<std::string> parameters;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    switch (pattern[i].kind) {
      case Segment::Kind::kText:
        if (path[i] != pattern[i].text) return std::nullopt;
        break;
      case Segment::Kind::kOne:
        if (path[i].empty()) return std::nullopt;
        parameters.push_back(path[i]);
        break;
      case Segment::Kind::kRest:
        std::string& rest = parameters.emplace_back(path[i]);
        for (std::size_t next = i + 1; next < path.size(); ++next) (rest += '/') += path[next];
        break;
    }
  }
  return parameters;
}

bool goes_before(const std::vector<Segment>& a, const std::vector<Segment>& b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                      [](const auto& x, const auto& y) { return x.kind < y.kind; });
}

}  // namespace

struct Router::Entry {
  std::vector<Segment> pattern;
  std::vector<const Route*> routes;  // one for each method
  std::string allowed;
};

Router::Router(Router&&) noexcept = default;
Router::~Router() = default;

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) {
    const std::vector<Segment> pattern = parse_pattern(route.pattern);
    auto entry = std::find_if(entries_.begin(), entries_.end(),
                              [&](const Entry& other) { return other.pattern == pattern; });
    if (entry == entries_.end()) entry = entries_.insert(entry, {pattern, {}, {}});
    for (const Route* other : entry->routes) CHECK(other->method != route.method);
    entry->routes.push_back(&route);
    entry->allowed += route.method == "GET" ? "GET, HEAD, " : route.method + ", ";
  }
  for (Entry& entry : entries_) entry.allowed += "OPTIONS";
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return goes_before(a.pattern, b.pattern); });
}

Router::Match Router::match(const std::string& method, const HttpTarget& target) const {
  Match match;
  for (const Entry& entry : entries_) {
    auto parameters = match_segments(entry.pattern, target.segments);
    if (!parameters) continue;
    match.allowed = entry.allowed;
    match.parameters = std::move(*parameters);
    const std::string& wanted = method == "HEAD" ? "GET" : method;
    for (const Route* route : entry.routes) {
      if (route->method == wanted) match.route = route;
    }
    break;
  }
  return match;
}

}  // namespace aloud
