// Tests of the measuring client against our server, and of its reader at every split.
#include "http/load_client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/response_reader.h"
#include "http/server_testing.h"

namespace aloud {
namespace {

TEST(ResponseReader, ReadsTheSameAtEverySplit) {
  struct Case {
    std::string_view bytes;
    const char* expected;
  };
  for (const Case& one : {
           Case{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "200 abc done"},
           Case{"HTTP/1.1 204 No Content\r\n\r\n", "204  done"},
           Case{"HTTP/1.1 429 \r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", "429  done 7"},
           Case{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na", "200 a done"},
           Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x\r\nc\r\n0\r\nT: "
                "1\r\n\r\n",
                "200 abc done"},
           Case{"HTTP/1.0 200 OK\r\n\r\nuntil the end", "200 until the end done"},
           Case{"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc", "200 abc"},
           Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", "200 ab"},
           Case{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "200  malformed"},
           Case{"SSH-2.0\r\n", "0  malformed"},
       }) {
    for (std::size_t cut = 0; cut <= one.bytes.size(); ++cut) {
      ResponseReader reader;
      std::string body;
      const auto take = [&](std::string_view piece) { body += piece; };
      const bool good =
          reader.feed(one.bytes.substr(0, cut), take) && reader.feed(one.bytes.substr(cut), take);
      reader.end();
      std::string found = fmt::format("{} {}", reader.status(), body);
      if (reader.is_done()) found += " done";
      if (!good) found += " malformed";
      if (const auto retry = find_header(reader.headers(), "retry-after"); !retry.empty())
        found += fmt::format(" {}", retry);
      EXPECT_EQ(found, one.expected) << cut;
    }
  }
}

TEST(LoadClient, AsksManyAtOnce) {
  const auto server = start_server({{"POST", "/echo", 100, [](const HttpRequest& request, const auto& reply) {
                                       reply->begin(200, {{"x-user", std::string(request.header("x-user"))}});
                                       reply->write(request.body);
                                       reply->write("!");
                                       reply->finish();
                                     }}});
  auto client = LoadClient::create(server->url());
  ASSERT_TRUE(client) << client.error().message;
  constexpr int kCalls = 50;
  std::vector<std::string> bodies(kCalls);
  int ended = 0;
  for (int i = 0; i < kCalls; ++i) {
    client->at(i * 1e-3, [&, i] {
      client->post("/echo", {{"x-user", std::to_string(i)}}, fmt::format("body {}", i),
                   {[=](int status, const HttpHeaders& headers) {
                      EXPECT_EQ(status, 200);
                      EXPECT_EQ(find_header(headers, "x-user"), std::to_string(i));
                    },
                    [&, i](std::string_view bytes) { bodies[static_cast<std::size_t>(i)] += bytes; },
                    [&](bool complete) { ended += complete; }});
    });
  }
  client->run();
  EXPECT_EQ(ended, kCalls);
  for (int i = 0; i < kCalls; ++i) EXPECT_EQ(bodies[static_cast<std::size_t>(i)], fmt::format("body {}!", i));
}

TEST(LoadClient, StopsAndTellsFailures) {
  std::shared_ptr<HttpReply> kept;
  auto server =
      start_server({{"POST", "/", 100, [&](const HttpRequest&, const auto& reply) { kept = reply; }}});
  auto client = LoadClient::create(server->url());
  ASSERT_TRUE(client);
  int ended = 0, complete = 0;
  const LoadClient::Callbacks count = {[](int, const HttpHeaders&) {}, [](std::string_view) {},
                                       [&](bool whole) { ++ended, complete += whole; }};
  client->post("/", {}, "", count);
  client->at(1000, [] { FAIL(); });
  client->at(0.1, [&] { client->stop(); });
  client->run();
  EXPECT_EQ(ended, 1);
  server.reset();
  client->post("/", {}, "", count);
  client->run();
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(complete, 0);
  EXPECT_FALSE(LoadClient::create("https://localhost"));
  EXPECT_FALSE(LoadClient::create("http://no such host"));
}

}  // namespace
}  // namespace aloud
