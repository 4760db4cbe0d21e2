// Tests of the server over sockets: requests and answers, methods, bodies, pipelines, addresses.
#include "http/server.h"

#include <gtest/gtest.h>

#include <future>
#include <mutex>

#include "http/server_testing.h"

namespace aloud {
namespace {

using Reply = std::shared_ptr<HttpReply>;

// Tells what it was asked.
void echo(const HttpRequest& request, const Reply& reply) {
  std::string text = request.method + " " + request.path;
  for (const std::string& parameter : request.parameters) text += " " + parameter;
  if (const auto q = request.query("q")) text += " q=" + *q;
  if (!request.body.empty()) text += " [" + request.body + "]";
  reply->send(200, {{"content-type", "text/plain"}}, text);
}

std::vector<Route> echo_routes() {
  return {{"GET", "/", 0, echo}, {"GET", "/items/{id}", 0, echo}, {"POST", "/items", 32, echo}};
}

TEST(Server, AnswersOneRequestAfterAnother) {
  const auto server = start_server(echo_routes());
  TestClient client(server->port());
  client.get("/items/a%20b?q=x%3Dy");
  const Answer first = client.read_answer();
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.body, "GET /items/a b a b q=x=y");
  EXPECT_EQ(first.header("content-type"), "text/plain");
  EXPECT_EQ(first.header("connection"), "");
  EXPECT_NE(first.header("date"), "");
  client.send("POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(client.read_answer().body, "POST /items [hello]");
  client.send(
      "POST /items HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
      "chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
  EXPECT_EQ(client.read_answer().body, "POST /items [hello]");
  client.get("/", "Connection: close\r\n");
  const Answer last = client.read_answer();
  EXPECT_EQ(last.header("connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

TEST(Server, AnswersAPipelineInOrder) {
  const auto server = start_server(echo_routes());
  TestClient client(server->port());
  std::string requests;
  for (int i = 0; i < 200; ++i) {
    requests +=
        "POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n" + std::to_string(100 + i);
  }
  client.send(requests);
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(client.read_answer().body, "POST /items [" + std::to_string(100 + i) + "]");
}

TEST(Server, TheSameAnswersWhereverARequestIsSplit) {
  const auto server = start_server(echo_routes());
  const std::string request = "POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi";
  for (std::size_t i = 1; i < request.size(); ++i) {
    TestClient client(server->port());
    client.send(request.substr(0, i));
    client.send(request.substr(i));
    EXPECT_EQ(client.read_answer().body, "POST /items [hi]") << i;
  }
}

TEST(Server, RefusesWithPlainErrors) {
  HttpOptions options;
  options.error_body = [](int status, std::string_view message, std::string_view path) {
    return ErrorBody{"text/x", std::to_string(status) + " " + std::string(path) + " " + std::string(message)};
  };
  const auto server = start_server(echo_routes(), options);
  struct Case {
    const char* request;
    int status;
    bool stays;
  };
  for (const Case& one : std::vector<Case>{
           {"GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n", 404, true},
           {"PUT /items HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, true},
           {"GET /items/%2e%2e HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, true},
           {"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, true},
           {"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n", 403, true},
           {"POST /none HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", 404, false},
           {"POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 33\r\n\r\n", 413, false},
           {"POST /items HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n21\r\n", 413,
            false},
           {"GET / HTTP/1.1\r\n\r\n", 400, false},
           {"GET / HTTP/3.0\r\nHost: localhost\r\n\r\n", 505, false},
           {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501, false},
       }) {
    TestClient client(server->port());
    client.send(one.request);
    const Answer answer = client.read_answer();
    EXPECT_EQ(answer.status, one.status) << one.request;
    EXPECT_EQ(answer.header("content-type"), "text/x") << one.request;
    EXPECT_TRUE(answer.body.starts_with(std::to_string(one.status) + " ")) << answer.body;
    EXPECT_EQ(answer.header("allow"), one.status == 405 ? "POST, OPTIONS" : "") << one.request;
    EXPECT_EQ(answer.header("connection"), one.stays ? "" : "close") << one.request;
    if (!one.stays) {
      EXPECT_TRUE(client.is_closed()) << one.request;
    } else {
      client.get("/");
      EXPECT_EQ(client.read_answer().body, "GET /") << one.request;
    }
  }
}

// Megabytes are under way when the answer comes: a reset would destroy it.
TEST(Server, ARefusalReachesAClientThatIsStillSending) {
  const auto server = start_server(echo_routes());
  TestClient client(server->port());
  client.send("POST /items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n");
  client.send(std::string(1'000'000, 'x'));
  EXPECT_EQ(client.read_answer().status, 413);
}

TEST(Server, HeadAndOptions) {
  const auto server = start_server(echo_routes());
  TestClient client(server->port());
  client.send("HEAD /items/7 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const Answer head = client.read_answer(true);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), std::to_string(std::string("HEAD /items/7 7").size()));
  client.send("HEAD /none HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.read_answer(true).status, 404);
  client.send("OPTIONS /items/7 HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const Answer options = client.read_answer();
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.header("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(options.header("content-length"), "");
  client.get("/");
  EXPECT_EQ(client.read_answer().body, "GET /");
}

TEST(Server, AnswersPreflights) {
  HttpOptions options;
  options.origins = {"https://chat.example"};
  const auto server = start_server(echo_routes(), options);
  TestClient client(server->port());
  client.send(
      "OPTIONS /items HTTP/1.1\r\nHost: localhost\r\nOrigin: https://chat.example\r\n"
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,x-a\r\n\r\n");
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("access-control-allow-origin"), "https://chat.example");
  EXPECT_EQ(answer.header("access-control-allow-credentials"), "true");
  EXPECT_EQ(answer.header("access-control-allow-methods"), "POST, OPTIONS");
  EXPECT_EQ(answer.header("access-control-allow-headers"), "authorization,x-a");
  client.get("/", "Origin: https://chat.example\r\n");
  EXPECT_EQ(client.read_answer().header("access-control-allow-origin"), "https://chat.example");
  client.get("/none", "Origin: https://chat.example\r\n");
  EXPECT_EQ(client.read_answer().header("access-control-allow-origin"), "https://chat.example");
  client.send(
      "OPTIONS /items HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n"
      "Access-Control-Request-Method: POST\r\n\r\n");
  const Answer evil = client.read_answer();
  EXPECT_EQ(evil.status, 403);
  EXPECT_EQ(evil.header("access-control-allow-origin"), "");
}

TEST(Server, TellsAClientToSendItsBody) {
  const auto server = start_server(echo_routes());
  const std::string head =
      "POST /items HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: ";
  TestClient client(server->port());
  client.send(head + "2\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  EXPECT_EQ(client.read_answer().body, "POST /items [hi]");
  client.send(head + "33\r\n\r\n");
  EXPECT_EQ(client.read_answer().status, 413);
  EXPECT_TRUE(client.is_closed());
}

TEST(Server, SpeaksHttp10) {
  const auto server = start_server({{"GET", "/", 0, [](const HttpRequest&, const Reply& reply) {
                                       reply->begin(200, {});
                                       reply->write("one ");
                                       reply->write("two");
                                       reply->finish();
                                     }}});
  TestClient client(server->port());
  client.send("GET / HTTP/1.0\r\n\r\n");
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.header("transfer-encoding"), "");
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_EQ(answer.body, "one two");
}

TEST(Server, NoHeaderSmugglesInAnother) {
  const auto server = start_server({{"GET", "/", 0, [](const HttpRequest&, const Reply& reply) {
                                       reply->send(200, {{"x-a", "1\r\nx-b: 2\r\n\r\nbody"}}, "text");
                                     }}});
  TestClient client(server->port());
  client.get("/");
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.header("x-b"), "");
  EXPECT_EQ(answer.body, "text");
}

TEST(Server, AReplyThatNobodyAnswersIs500) {
  HttpOptions options;
  options.error_body = [](int, std::string_view, std::string_view path) {
    return ErrorBody{"text/plain", std::string(path)};
  };
  const auto server = start_server({{"GET", "/{name}", 0, [](const HttpRequest&, const Reply&) {}}}, options);
  TestClient client(server->port());
  for (const char* path : {"/a", "/b"}) {
    client.get(path);
    const Answer answer = client.read_answer();
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body, path);
  }
}

TEST(Server, SaysWhatIsWrongWithAnAddress) {
  const auto server = start_server({});
  HttpOptions options;
  options.port = server->port();
  const auto in_use = HttpServer::start(options, {});
  ASSERT_FALSE(in_use);
  EXPECT_EQ(in_use.error().message,
            "127.0.0.1:" + std::to_string(options.port) + ": the port is in use by another program");
  options.address = "192.0.2.1";
  const auto foreign = HttpServer::start(options, {});
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find("no address of this machine"), std::string::npos);
  options.address = "no such name";
  EXPECT_FALSE(HttpServer::start(options, {}));
}

TEST(Server, ListensOnEveryAddressOfAName) {
  HttpOptions options;
  options.address = "localhost";
  const auto server = start_server(echo_routes(), options);
  TestClient client(server->port());
  client.get("/");
  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_EQ(server->url(), "http://localhost:" + std::to_string(server->port()));
}

TEST(Server, RecordsWhatWasAskedWithoutSecrets) {
  std::mutex mutex;
  std::vector<AccessRecord> records;
  HttpOptions options;
  options.on_request = [&](const AccessRecord& record) {
    const std::lock_guard lock(mutex);
    records.push_back(record);
  };
  {
    const auto server = start_server(echo_routes(), options);
    TestClient client(server->port());
    client.get("/items/secret?q=secret");
    client.read_answer();
    client.get("/secret");
    client.read_answer();
    client.send("bad\r\n");
    client.read_answer();
  }
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].method, "GET");
  EXPECT_EQ(records[0].pattern, "/items/{id}");
  EXPECT_EQ(records[0].status, 200);
  EXPECT_EQ(records[0].peer, "127.0.0.1");
  EXPECT_GT(records[0].bytes_sent, 50u);
  EXPECT_TRUE(records[0].complete);
  EXPECT_EQ(records[1].pattern, "");
  EXPECT_EQ(records[1].status, 404);
  EXPECT_EQ(records[2].method, "");
  EXPECT_EQ(records[2].status, 400);
}

}  // namespace
}  // namespace aloud
