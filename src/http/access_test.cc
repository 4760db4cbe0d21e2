// Tests of who may call: names in Host, origins of pages, what a proxy says.
#include "http/access.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

int status(const Access& access, HttpHeaders headers, std::string_view authority = {}) {
  HttpRequest request;
  request.method = "POST";
  request.headers = std::move(headers);
  const auto refusal = access.check(request, authority);
  return refusal ? refusal->status : 200;
}

struct AccessCase {
  const char* host;
  int on_loopback;
  int in_public;  // without configured names
};

const AccessCase kHosts[] = {
    {"localhost", 200, 200},
    {"localhost:8080", 200, 200},
    {"LOCALHOST:1", 200, 200},
    {"localhost.", 200, 200},
    {"127.0.0.1", 200, 200},
    {"127.0.0.1:8080", 200, 200},
    {"127.8.8.8", 200, 200},
    {"[::1]", 200, 200},
    {"[::1]:8080", 200, 200},
    {"ours.example", 200, 200},
    {"Ours.Example:443", 200, 200},
    {"evil.example", 421, 421},
    {"evil.example:8080", 421, 421},
    {"localhost.evil.example", 421, 421},
    {"evil-localhost", 421, 421},
    {"sub.ours.example", 421, 421},
    {"ours.example.evil.example", 421, 421},
    {"127.0.0.1.evil.example", 421, 421},
    {"127.0.0.1.nip.io", 421, 421},
    {"127.evil.example", 421, 421},
    {"127.0.0.1.", 200, 200},
    {"127.1", 421, 421},
    {"0x7f.0.0.1", 421, 421},
    {"2130706433", 421, 421},
    {"0", 421, 421},
    {"192.0.2.7", 421, 200},
    {"192.0.2.7:80", 421, 200},
    {"0.0.0.0", 421, 200},
    {"[2001:db8::1]", 421, 200},
    {"[::ffff:127.0.0.1]", 421, 200},
    {"[::1].evil.example", 421, 421},
    {"::1", 400, 400},
    {"localhost:", 400, 400},
    {"localhost:x", 400, 400},
    {"localhost:123456", 400, 400},
    {"localhost:80:80", 400, 400},
    {"[::1", 421, 421},
    {"user@localhost", 400, 400},
    {"localhost/", 400, 400},
    {"localhost,evil.example", 400, 400},
    {"local host", 400, 400},
    {"xn--e1afmkfd.example", 421, 421},
};

TEST(Access, JudgesFortyHosts) {
  const Access loopback({.loopback = true, .hosts = {"Ours.example"}});
  const Access in_public({.loopback = false, .hosts = {"ours.example"}});
  const Access open({.loopback = false, .hosts = {"*"}});
  EXPECT_GE(std::size(kHosts), 40u);
  for (const AccessCase& one : kHosts) {
    EXPECT_EQ(status(loopback, {{"Host", one.host}}), one.on_loopback) << one.host;
    EXPECT_EQ(status(in_public, {{"Host", one.host}}), one.in_public) << one.host;
    EXPECT_EQ(status(open, {{"Host", one.host}}), one.on_loopback == 400 ? 400 : 200) << one.host;
  }
  EXPECT_EQ(status(loopback, {}), 200);  // HTTP/1.0
  EXPECT_EQ(status(loopback, {{"Host", "localhost"}}, "evil.example"), 421);
  EXPECT_EQ(status(loopback, {{"Host", "evil.example"}}, "localhost"), 200);
}

TEST(Access, LetsInOwnPagesAndListedOnes) {
  const Access none({});
  const Access listed({.origins = {"https://Chat.example", "null"}});
  const Access all({.origins = {"*"}});
  const auto judge = [](const Access& access, const char* origin) {
    return status(access, {{"Host", "localhost:8080"}, {"Origin", origin}});
  };
  for (const Access* access : {&none, &listed, &all}) {
    EXPECT_EQ(judge(*access, "http://localhost:8080"), 200);
    EXPECT_EQ(judge(*access, "http://LOCALHOST:8080"), 200);
    EXPECT_EQ(status(*access, {{"Host", "localhost"}}), 200);
  }
  for (const char* origin : {"http://localhost:8081", "http://localhost", "https://evil.example",
                             "localhost:8080", "https://chat.example.evil.example", "http://chat.example",
                             "file://", "ftp://localhost:8080", "chrome-extension://abc"}) {
    EXPECT_EQ(judge(none, origin), 403) << origin;
    EXPECT_EQ(judge(listed, origin), 403) << origin;
    EXPECT_EQ(judge(all, origin), 200) << origin;
  }
  EXPECT_EQ(judge(none, "null"), 403);
  EXPECT_EQ(judge(none, "https://chat.example"), 403);
  EXPECT_EQ(judge(listed, "null"), 200);
  EXPECT_EQ(judge(listed, "https://chat.example"), 200);
}

HttpHeaders cors(const Access& access, const char* origin) {
  HttpRequest request;
  request.headers = {{"Origin", origin}};
  return access.cors_headers(request);
}

TEST(Access, CredentialsOnlyForThoseWhoAreNamed) {
  EXPECT_TRUE(cors(Access({}), "https://a.example").empty());
  const HttpHeaders listed = cors(Access({.origins = {"https://a.example"}}), "https://a.example");
  EXPECT_EQ(find_header(listed, "access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(find_header(listed, "access-control-allow-credentials"), "true");
  EXPECT_EQ(find_header(listed, "vary"), "origin");
  const HttpHeaders all = cors(Access({.origins = {"*"}}), "https://b.example");
  EXPECT_EQ(find_header(all, "access-control-allow-origin"), "*");
  EXPECT_EQ(find_header(all, "access-control-allow-credentials"), "");
  const HttpHeaders both = cors(Access({.origins = {"*", "https://a.example"}}), "https://a.example");
  EXPECT_EQ(find_header(both, "access-control-allow-origin"), "https://a.example");
  EXPECT_EQ(find_header(both, "access-control-allow-credentials"), "true");
}

TEST(Access, BelievesAProxyOnlyIfToldTo) {
  const HttpHeaders headers = {{"Host", "localhost"},
                               {"X-Forwarded-For", "198.51.100.9"},
                               {"x-forwarded-for", "203.0.113.5 , [2001:db8::1]:443"},
                               {"X-Forwarded-Proto", "https"},
                               {"X-Forwarded-Host", "evil.example, localhost:99"}};
  for (const bool behind_proxy : {false, true}) {
    HttpRequest request;
    request.peer = "127.0.0.1";
    request.headers = headers;
    EXPECT_FALSE(Access({.behind_proxy = behind_proxy}).check(request, ""));
    EXPECT_EQ(request.peer, behind_proxy ? "2001:db8::1" : "127.0.0.1");
    EXPECT_EQ(request.host, behind_proxy ? "localhost:99" : "localhost");
    EXPECT_EQ(request.secure, behind_proxy);
  }
}

}  // namespace
}  // namespace aloud
