// Tests of the table of routes: precedence, parameters, methods.
#include "http/router.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

Router make_router() {
  std::vector<Route> routes;
  for (const auto& [method, pattern] : std::vector<std::pair<const char*, const char*>>{
           {"GET", "/{file...}"},
           {"GET", "/"},
           {"GET", "/v1/{kind}/{id}"},
           {"GET", "/v1/models/{id}"},
           {"DELETE", "/v1/models/{id}"},
           {"GET", "/v1/models/list"},
           {"POST", "/v1/chat/completions"},
           {"GET", "/v1/models/{id...}"},
           {"GET", "/v1/{kind}/list"},
       }) {
    routes.push_back({method, pattern, 0, nullptr});
  }
  return Router(std::move(routes));
}

std::string match(const std::string& method, std::string_view path) {
  static const Router router = make_router();
  const Router::Match found = router.match(method, *parse_target(path));
  if (found.route == nullptr) return found.allowed;
  std::string out = found.route->pattern;
  for (const std::string& parameter : found.parameters) out += " [" + parameter + "]";
  return out;
}

TEST(Router, TakesTheMostSpecificPattern) {
  EXPECT_EQ(match("GET", "/"), "/");
  EXPECT_EQ(match("GET", "/v1/models/list"), "/v1/models/list");
  EXPECT_EQ(match("GET", "/v1/models/a%2Fb"), "/v1/models/{id} [a/b]");
  EXPECT_EQ(match("GET", "/v1/models/a/b"), "/v1/models/{id...} [a/b]");
  EXPECT_EQ(match("GET", "/v1/models/"), "/v1/models/{id...} []");
  EXPECT_EQ(match("GET", "/v1/users/list"), "/v1/{kind}/list [users]");
  EXPECT_EQ(match("GET", "/v1/users/x"), "/v1/{kind}/{id} [users] [x]");
  EXPECT_EQ(match("GET", "/v1//x"), "/{file...} [v1//x]");
  EXPECT_EQ(match("GET", "/v1/models"), "/{file...} [v1/models]");
  EXPECT_EQ(match("GET", "/V1/users/x"), "/{file...} [V1/users/x]");
}

TEST(Router, TellsTheMethodsOfAPath) {
  EXPECT_EQ(match("POST", "/v1/models/x"), "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(match("GET", "/v1/chat/completions"), "POST, OPTIONS");
  EXPECT_EQ(match("HEAD", "/v1/models/x"), "/v1/models/{id} [x]");
  EXPECT_EQ(match("get", "/"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(Router({{"GET", "/a", 0, nullptr}}).match("GET", *parse_target("/b")).allowed, "");
  EXPECT_EQ(Router({}).match("GET", *parse_target("/")).allowed, "");
}

TEST(RouterDeathTest, TwoOfTheSameAreABug) {
  EXPECT_DEATH(Router({{"GET", "/{a}", 0, nullptr}, {"GET", "/{b}", 0, nullptr}}), "method");
  EXPECT_DEATH(Router({{"GET", "/{a...}/b", 0, nullptr}}), "kRest");
  EXPECT_DEATH(Router({{"GET", "a", 0, nullptr}}), "starts_with");
}

}  // namespace
}  // namespace aloud
