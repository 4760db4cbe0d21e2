// Tests of targets: decoding, what is refused, and the parts of absolute ones.
#include "http/target.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace aloud {
namespace {

std::string describe(std::string_view text) {
  const auto target = parse_target(text);
  if (!target) return std::to_string(target.error().status);
  std::string out;
  for (const std::string& segment : target->segments) (out += out.empty() ? "[" : "|") += segment;
  out += "]";
  for (const HttpField& field : target->query) out += fmt::format(" {}={}", field.name, field.value);
  if (!target->authority.empty()) out += " at " + target->authority;
  return out;
}

TEST(Target, SplitsAndDecodes) {
  EXPECT_EQ(describe("/"), "[]");
  EXPECT_EQ(describe("/v1/models"), "[v1|models]");
  EXPECT_EQ(describe("/a//b/"), "[a||b|]");
  EXPECT_EQ(describe("/a%2Fb%20c/%E4%BD%A0"), "[a/b c|\u4F60]");
  EXPECT_EQ(describe("/a+b"), "[a+b]");
  EXPECT_EQ(describe("/?a=1&b=&c&=d&&e=x=y"), "[] a=1 b= c= =d e=x=y");
  EXPECT_EQ(describe("/?q=a+b%2B%0A%26"), "[] q=a b+\n&");
  EXPECT_EQ(describe("/?"), "[]");
  EXPECT_EQ(describe("/...%2e"), "[....]");
  EXPECT_EQ(describe("http://Host:80/a?b=c"), "[a] b=c at Host:80");
  EXPECT_EQ(describe("HTTPS://h"), "[] at h");
  EXPECT_EQ(describe("http://h?b=c"), "[] b=c at h");
  EXPECT_EQ(parse_target("/a%2Fb/c")->path(), "/a/b/c");
}

TEST(Target, RefusesWhatIsMalformedOrClimbs) {
  for (const char* text : {"",     "*",       "a",    "ftp://h/", "http:///a", "http://", "/%",
                           "/%2",  "/%2g",    "/%g2", "/%00",     "/%0a",      "/%7F",    "/%ff",
                           "/%C3", "/%C0%AF", "/.",   "/..",      "/a/../b",   "/%2e%2E", "/a/.%2e",
                           "/#a",  "/a?b#c",  "/?%",  "/?a=%zz",  "/?%00",     "/?%ff=1", "/?a=%ED%A0%80"}) {
    EXPECT_EQ(describe(text), "400") << text;
  }
}

}  // namespace
}  // namespace aloud
