// Tests of the page's files: how the pack is read, which form of a file is sent, what a browser may keep.
#include "api/web_page.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "api/route.h"

namespace aloud {
namespace {

constexpr std::string_view kPack =
    R"([{"path":"/","type":"text/html","etag":"W/\"a\"","immutable":false,"size":5,"gzip_size":3},)"
    R"({"path":"/assets/x.js","type":"text/javascript","etag":"W/\"b\"","immutable":true,"size":2,"gzip_size":0}])"
    "\nplainzipjs";

PageAnswer answer(std::string_view path, HttpHeaders headers = {}) {
  static const WebFiles files{kPack};
  HttpRequest request;
  request.headers = std::move(headers);
  return page_answer(*files.find(path), request);
}

std::string_view header(const PageAnswer& answer, std::string_view name) {
  return find_header(answer.headers, name);
}

TEST(WebFiles, ReadsThePack) {
  const WebFiles files{kPack};
  ASSERT_NE(files.find("/"), nullptr);
  EXPECT_EQ(files.find("/")->plain, "plain");
  EXPECT_EQ(files.find("/")->gzipped, "zip");
  EXPECT_EQ(files.find("/assets/x.js")->plain, "js");
  EXPECT_EQ(files.find("/assets/x.js")->type, "text/javascript");
  EXPECT_EQ(files.find("/assets/"), nullptr);
  EXPECT_EQ(files.find("/index.html"), nullptr);
}

TEST(WebFiles, EveryEmbeddedFileHasARoute) {
  const WebFiles files = WebFiles::embedded();
  for (const auto& [path, file] : files.all()) {
    EXPECT_FALSE(file.plain.empty()) << path;
    const std::string_view pattern = path.starts_with("/assets/") ? "/assets/{file}" : std::string_view(path);
    const auto routes = api_routes();
    EXPECT_TRUE(std::any_of(routes.begin(), routes.end(), [&](const ApiRoute& route) {
      return route.method == "GET" && route.pattern == pattern && route.authority == Authority::kAnyone;
    })) << path;
  }
}

TEST(WebPage, SendsTheFormThatTheClientTakes) {
  for (const char* takes : {"gzip", "br, GZIP;q=0.5", "gzip ; q=1.0"}) {
    const PageAnswer zipped = answer("/", {{"Accept-Encoding", takes}});
    EXPECT_EQ(zipped.body, "zip") << takes;
    EXPECT_EQ(header(zipped, "content-encoding"), "gzip") << takes;
    EXPECT_EQ(header(zipped, "content-type"), "text/html") << takes;
  }
  for (const char* takes : {"", "identity", "gzip;q=0", "gzip;q=0.000", "xgzip", ",,;"}) {
    const PageAnswer plain = answer("/", {{"Accept-Encoding", takes}});
    EXPECT_EQ(plain.body, "plain") << takes;
    EXPECT_EQ(header(plain, "content-encoding"), "") << takes;
  }
  EXPECT_EQ(answer("/assets/x.js", {{"Accept-Encoding", "gzip"}}).body, "js");
  EXPECT_EQ(header(answer("/"), "vary"), "Accept-Encoding");
}

TEST(WebPage, IsAskedForAgainOnlyWhereItMayHaveChanged) {
  EXPECT_EQ(header(answer("/"), "cache-control"), "no-cache");
  EXPECT_NE(header(answer("/assets/x.js"), "cache-control").find("immutable"), std::string_view::npos);
  for (const char* known : {"W/\"a\"", "W/\"x\", W/\"a\"", "*"}) {
    const PageAnswer same = answer("/", {{"If-None-Match", known}});
    EXPECT_EQ(same.status, 304) << known;
    EXPECT_TRUE(same.body.empty()) << known;
    EXPECT_EQ(header(same, "etag"), "W/\"a\"") << known;
  }
  for (const char* known : {"W/\"b\"", "", "\""}) {
    EXPECT_EQ(answer("/", {{"If-None-Match", known}}).status, 200) << known;
  }
}

TEST(WebPage, MayLoadNothingFromElsewhere) {
  const PageAnswer page = answer("/");
  const std::string_view policy = header(page, "content-security-policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none'; script-src 'self'; ")) << policy;
  EXPECT_EQ(policy.find("http"), std::string_view::npos) << policy;
  EXPECT_EQ(header(page, "x-content-type-options"), "nosniff");
  EXPECT_EQ(header(page, "referrer-policy"), "no-referrer");
}

}  // namespace
}  // namespace aloud
