// Judges the Host and Origin headers.
#include "http/access.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/printable.h"
#include "http/text.h"

namespace aloud {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool is_ipv4(const std::string& name) {
  in_addr address;
  return inet_pton(AF_INET, name.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& name) {
  in6_addr address;
  return name.starts_with('[') && name.ends_with(']') &&
         inet_pton(AF_INET6, name.substr(1, name.size() - 2).c_str(), &address) == 1;
}

bool is_loopback(const std::string& name) {
  return name == "localhost" || name == "[::1]" || (is_ipv4(name) && name.starts_with("127."));
}

// The name of "name", "name:port", "[address]:port"; empty: malformed.
std::string_view name_of(std::string_view authority) {
  const std::size_t bracket =
      authority.starts_with('[') ? std::min(authority.find(']'), authority.size()) : 0;
  const std::size_t colon = std::min(authority.find(':', bracket), authority.size());
  const std::string_view name = authority.substr(0, colon), port = authority.substr(colon);
  const bool good_port = port.empty() || (port.size() >= 2 && port.size() <= 6 &&
                                          port.find_first_not_of("0123456789", 1) == port.npos);
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-._[]:";
  if (!good_port || name.find_first_not_of(kAllowed) != name.npos) return {};
  return name;
}

// Proxies append what they saw: the last entry of the last field comes from the nearest one.
std::string_view last_entry(const HttpHeaders& headers, std::string_view name) {
  std::string_view value;
  for (const HttpField& field : headers) {
    if (equal_ignoring_case(field.name, name)) value = field.value;
  }
  const std::size_t comma = value.rfind(',');
  if (comma != value.npos) value.remove_prefix(comma + 1);
  return trim(value);
}

// "192.0.2.1:4711", "[2001:db8::1]:4711" and the same without port.
std::string_view without_port(std::string_view address) {
  if (address.starts_with('[')) return address.substr(1, address.find(']') - 1);
  const std::size_t colon = address.find(':');
  return address.rfind(':') == colon ? address.substr(0, colon) : address;
}

// A page that we served ourselves: its origin names the host that the request was sent to.
bool is_own_page(std::string_view origin, std::string_view host) {
  const std::size_t slashes = origin.find("://");
  return slashes != origin.npos && origin.starts_with("http") && origin.substr(slashes + 3) == host;
}

}  // namespace

Access::Access(Options options)
    : options_(std::move(options)),
      every_host_(contains(options_.hosts, "*")),
      every_origin_(contains(options_.origins, "*")) {
  for (std::string& host : options_.hosts) host = lower_case(host);
  for (std::string& origin : options_.origins) origin = lower_case(origin);
}

bool Access::is_our_name(std::string_view name) const {
  const std::string text(name.ends_with('.') ? name.substr(0, name.size() - 1) : name);
  if (every_host_ || is_loopback(text) || contains(options_.hosts, text)) return true;
  // A browser that was told an address calls that address: nobody else's page is behind it.
  return !options_.loopback && (is_ipv4(text) || is_ipv6(text));
}

bool Access::is_listed(std::string_view origin) const {
  return contains(options_.origins, lower_case(origin));
}

std::optional<HttpRefusal> Access::check(HttpRequest& request, std::string_view authority) const {
  request.host = lower_case(authority.empty() ? request.header("host") : authority);
  if (options_.behind_proxy) {
    const std::string_view client = last_entry(request.headers, "x-forwarded-for");
    const std::string_view host = last_entry(request.headers, "x-forwarded-host");
    if (!client.empty()) request.peer = without_port(client);
    if (!host.empty()) request.host = lower_case(host);
    request.secure = request.secure || last_entry(request.headers, "x-forwarded-proto") == "https";
  }
  // Only HTTP/1.0 may come without a host, and no browser speaks that.
  if (!request.host.empty() || !authority.empty()) {
    const std::string_view name = name_of(request.host);
    if (name.empty()) return HttpRefusal{400, "the host is malformed"};
    if (!is_our_name(name)) {
      return HttpRefusal{421, fmt::format("{} is not a name of this server", printable(name))};
    }
  }
  const std::string origin = lower_case(request.header("origin"));
  if (origin.empty() || every_origin_ || is_own_page(origin, request.host) || is_listed(origin)) return {};
  return HttpRefusal{403, fmt::format("pages of {} may not call this server", printable(origin))};
}

HttpHeaders Access::cors_headers(const HttpRequest& request) const {
  if (options_.origins.empty()) return {};
  const std::string_view origin = request.header("origin");
  // With credentials only for those who are named: "*" must not lend a visitor's cookie to every page.
  if (!origin.empty() && is_listed(origin)) {
    return {{"access-control-allow-origin", std::string(origin)},
            {"access-control-allow-credentials", "true"},
            {"vary", "origin"}};
  }
  if (every_origin_) return {{"access-control-allow-origin", "*"}, {"vary", "origin"}};
  return {{"vary", "origin"}};
}

bool Access::is_preflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && !request.header("origin").empty() &&
         !request.header("access-control-request-method").empty();
}

HttpHeaders Access::preflight_headers(const HttpRequest& request, const std::string& allowed_methods) const {
  HttpHeaders headers;
  headers.push_back({"access-control-allow-methods", allowed_methods});
  // Which headers a page sends is no secret and no risk once its origin was let in.
  if (const std::string_view wanted = request.header("access-control-request-headers"); !wanted.empty()) {
    headers.push_back({"access-control-allow-headers", std::string(wanted)});
  }
  headers.push_back({"access-control-max-age", "600"});
  return headers;
}

}  // namespace aloud
