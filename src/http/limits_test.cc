// Tests of the bounds on what a client may take: times, connections, bytes ahead.
#include "http/limits.h"

#include <gtest/gtest.h>

#include <thread>

#include "http/admissions.h"
#include "http/server_testing.h"

namespace aloud {
namespace {

std::vector<Route> routes() {
  const HttpHandler echo = [](const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
    reply->send(200, {}, std::to_string(request.body.size()));
  };
  return {{"GET", "/", 0, echo}, {"POST", "/", 10'000'000, echo}};
}

HttpOptions impatient() {
  HttpOptions options;
  options.limits.head_seconds = 0.3;
  options.limits.body_seconds = 0.3;
  options.limits.idle_seconds = 0.3;
  return options;
}

TEST(Limits, SlowRequestsAreClosed) {
  const auto server = start_server(routes(), impatient());
  std::vector<TestClient> clients;
  for (const char* begin :
       {"G", "GET / HTTP/1.1\r\nHost: loc", "GET / HTTP/1.1\r\nHost: localhost\r\n\r",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nab",
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n"}) {
    clients.emplace_back(server->port()).send(begin);
  }
  for (TestClient& client : clients) {
    const Answer answer = client.read_answer();
    EXPECT_EQ(answer.status, 408);
    EXPECT_EQ(answer.header("connection"), "close");
    EXPECT_TRUE(client.is_closed());
  }
}

// One byte now and then keeps nobody: the whole head has one time.
TEST(Limits, ThreadsCutTheSlowLorisOff) {
  const auto server = start_server(routes(), impatient());
  TestClient client(server->port());
  std::thread writer([&] {
    while (client.send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  });
  EXPECT_EQ(client.read_answer().status, 408);
  client.read_all();
  client.end();
  writer.join();
}

TEST(Limits, IdleConnectionsAreClosed) {
  const auto server = start_server(routes(), impatient());
  TestClient fresh(server->port()), used(server->port()), blank(server->port());
  used.get("/");
  used.read_answer();
  blank.send("\r\n\r\n");
  EXPECT_TRUE(fresh.is_closed());
  EXPECT_TRUE(used.is_closed());
  EXPECT_TRUE(blank.is_closed());
}

// A large body that comes steadily takes longer than the time for one piece of it.
TEST(Limits, ASteadyBodyHasItsTime) {
  HttpOptions options = impatient();
  options.limits.body_seconds = 2;
  const auto server = start_server(routes(), options);
  TestClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2500000\r\n\r\n");
  for (int i = 0; i < 25; ++i) {
    client.send(std::string(100'000, 'x'));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_EQ(client.read_answer().body, "2500000");
}

TEST(Limits, TooManyConnectionsAreRefused) {
  for (const bool of_all : {false, true}) {
    HttpOptions options;
    (of_all ? options.limits.connections : options.limits.connections_per_address) = 2;
    const auto server = start_server(routes(), options);
    TestClient first(server->port());
    {
      TestClient second(server->port());
      first.get("/");
      second.get("/");
      EXPECT_EQ(first.read_answer().status, 200);
      EXPECT_EQ(second.read_answer().status, 200);
      TestClient third(server->port());
      const Answer refused = third.read_answer();
      EXPECT_EQ(refused.status, 503);
      EXPECT_EQ(refused.header("retry-after"), "5");
      EXPECT_TRUE(third.is_closed());
    }
    while (server->connections() > 1) std::this_thread::yield();
    TestClient fourth(server->port());
    fourth.get("/");
    EXPECT_EQ(fourth.read_answer().status, 200);
  }
}

TEST(Limits, AClientMayNotSendTooFarAhead) {
  std::shared_ptr<HttpReply> kept;
  HttpOptions options;
  options.limits.ahead_bytes = 1000;
  const auto server = start_server(
      {{"GET", "/", 0, [&](const HttpRequest&, const std::shared_ptr<HttpReply>& reply) { kept = reply; }}},
      options);
  TestClient client(server->port());
  client.get("/");
  client.send(std::string(20'000, 'x'));
  EXPECT_TRUE(client.is_closed());
}

TEST(Admissions, CountTogetherAndForEachNetwork) {
  Admissions admissions(5, 2);
  std::vector<std::shared_ptr<Admission>> held;
  const auto admit = [&](const char* address) {
    held.push_back(admissions.admit(address));
    return held.back() != nullptr;
  };
  EXPECT_TRUE(admit("192.0.2.1"));
  EXPECT_TRUE(admit("192.0.2.1"));
  EXPECT_FALSE(admit("192.0.2.1"));
  EXPECT_TRUE(admit("2001:db8::1"));
  EXPECT_TRUE(admit("2001:db8::2:0:0:1"));
  EXPECT_FALSE(admit("2001:db8::3"));
  EXPECT_TRUE(admit("2001:db8:0:1::1"));
  EXPECT_FALSE(admit("192.0.2.2"));
  EXPECT_EQ(admissions.count(), 5u);
  held.front().reset();
  EXPECT_TRUE(admit("192.0.2.1"));
  EXPECT_EQ(admissions.wait_until_none(0), 5u);
  held.clear();
  EXPECT_EQ(admissions.wait_until_none(kHangSeconds), 0u);
}

}  // namespace
}  // namespace aloud
