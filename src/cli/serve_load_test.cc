// Tests of the load that bench serve sends, against a stub of a server, and of what it makes of the answers.
#include "cli/serve_load.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "http/event_stream.h"
#include "http/server_testing.h"

namespace aloud {
namespace {

using nlohmann::json;

// Answers every request at once with as many tokens as were asked for; refuses user-1, breaks user-2 off.
class Stub {
 public:
  Stub() {
    server_ = start_server({{"POST", "/v1/chat/completions", 100'000,
                             [this](const HttpRequest& request, const std::shared_ptr<HttpReply>& reply) {
                               answer(json::parse(request.body), std::string(request.header("authorization")),
                                      reply);
                             }}});
  }

  std::string url() const { return server_->url(); }
  std::vector<json> bodies() {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }
  std::vector<std::string> keys() {
    const std::lock_guard lock(mutex_);
    return keys_;
  }

 private:
  void answer(const json& body, const std::string& key, const std::shared_ptr<HttpReply>& reply) {
    {
      const std::lock_guard lock(mutex_);
      bodies_.push_back(body);
      keys_.push_back(key);
    }
    if (body["user"] == "user-1") return reply->send(429, {{"retry-after", "1"}}, "{}");
    EventStream stream(reply);
    const auto send = [&](const json& event) { stream.send({.data = event.dump()}); };
    send({{"choices", {{{"delta", {{"role", "assistant"}, {"content", ""}}}}}}});
    const int tokens = body["max_tokens"];
    for (int i = 0; i < tokens; ++i) {
      send({{"choices", {{{"delta", {{i % 2 ? "content" : "reasoning_content", "x"}}}}}}});
    }
    if (body["user"] == "user-2") return stream.finish();
    send({{"choices", json::array()}, {"usage", {{"prompt_tokens", 7}, {"completion_tokens", tokens}}}});
    stream.send({.data = "[DONE]"});
    stream.finish();
  }

  std::mutex mutex_;
  std::vector<json> bodies_;
  std::vector<std::string> keys_;
  std::unique_ptr<HttpServer> server_;
};

std::vector<ServedRequest> send(const ServeLoadOptions& options) {
  const std::atomic<bool> cancel = false;
  auto requests = send_serve_load(options, cancel, [](double) {});
  EXPECT_TRUE(requests) << requests.error().message;
  return *requests;
}

ServeLoadOptions small_load(const Stub& stub) {
  ServeLoadOptions options;
  options.url = stub.url();
  options.keys = {"a", "b"};
  options.users = 4;
  options.seconds = 0.5;
  options.output = {5, 0.8, 20};
  return options;
}

TEST(ServeLoad, TellsWhatBecameOfEachRequest) {
  Stub stub;
  ServeLoadOptions options = small_load(stub);
  options.rate = 200;
  const auto requests = send(options);
  EXPECT_EQ(requests.size(), stub.bodies().size());
  ASSERT_GT(requests.size(), 4u);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const ServedRequest& request = requests[i];
    EXPECT_EQ(request.user, static_cast<int>(i % 4));
    EXPECT_EQ(request.error, request.user == 1 ? "429" : request.user == 2 ? "stream" : "");
    if (request.user == 1) continue;
    EXPECT_EQ(request.output_tokens, request.asked_tokens);
    EXPECT_EQ(request.pieces.size(), static_cast<std::size_t>(request.asked_tokens));
    EXPECT_EQ(request.prompt_tokens, request.user == 2 ? 0 : 7);
    EXPECT_LE(request.begin, request.pieces.front());
    EXPECT_LE(request.pieces.back(), request.end);
  }
  for (const std::string& key : stub.keys()) EXPECT_TRUE(key == "Bearer a" || key == "Bearer b");
  const ServeSummary summary = summarise(requests, options.seconds, {});
  EXPECT_EQ(summary.requests, requests.size());
  EXPECT_EQ(summary.completed + summary.errors.at("429") + summary.errors.at("stream"), requests.size());
}

TEST(ServeLoad, ClosedLoopKeepsItsNumber) {
  Stub stub;
  ServeLoadOptions options = small_load(stub);
  options.users = 1;
  options.concurrency = 3;
  const auto requests = send(options);
  ASSERT_GT(requests.size(), 3u);
  for (const ServedRequest& request : requests) EXPECT_EQ(request.error, "");
  std::size_t at_once = 0;
  for (const ServedRequest& one : requests) {
    std::size_t others = 0;
    for (const ServedRequest& other : requests) others += other.begin <= one.begin && one.begin < other.end;
    at_once = std::max(at_once, others);
  }
  EXPECT_LE(at_once, 3u);
}

TEST(ServeLoad, TheSameSeedAsksTheSame) {
  const auto bodies = [](std::uint64_t seed) {
    Stub stub;
    ServeLoadOptions options = small_load(stub);
    options.rate = 100;
    options.seconds = 0.2;
    options.seed = seed;
    send(options);
    std::vector<std::string> out;
    for (const json& body : stub.bodies()) out.push_back(body.dump());
    std::sort(out.begin(), out.end());
    return out;
  };
  EXPECT_EQ(bodies(1), bodies(1));
  EXPECT_NE(bodies(1), bodies(2));
}

TEST(ServeLoad, NobodyThereIsAnError) {
  std::uint16_t port = 0;
  { port = start_server({})->port(); }
  ServeLoadOptions options;
  options.url = fmt::format("http://127.0.0.1:{}", port);
  options.seconds = 0.1;
  const std::atomic<bool> cancel = false;
  EXPECT_FALSE(send_serve_load(options, cancel, [](double) {}));
}

TEST(ServeLoad, Statistics) {
  EXPECT_EQ(percentiles({}).p99, 0);
  std::vector<double> values;
  for (int i = 100; i > 0; --i) values.push_back(i);
  EXPECT_EQ(percentiles(values).p50, 50);
  EXPECT_EQ(percentiles(values).p95, 95);
  EXPECT_EQ(percentiles(values).p99, 99);
  EXPECT_EQ(percentiles({7}).p50, 7);
  EXPECT_DOUBLE_EQ(jain_index({1, 1, 1}), 1);
  EXPECT_DOUBLE_EQ(jain_index({1, 0, 0, 0}), 0.25);
  EXPECT_DOUBLE_EQ(jain_index({}), 1);
}

TEST(ServeLoad, SummaryCountsWhatCameInTime) {
  ServedRequest good, slow, late, refused;
  good = {0, 4, 10, 4, 0.0, 0.5, {0.1, 0.2, 0.3, 0.4}, ""};
  slow = {1, 4, 10, 4, 0.0, 0.9, {0.6, 0.7, 0.8, 0.9}, ""};
  late = {0, 4, 10, 8, 0.5, 2.5, {0.6, 0.7, 2.0, 2.5}, ""};  // two tokens in each piece
  refused = {1, 4, 0, 0, 0.5, 0.6, {}, "503"};
  const ServeSummary summary = summarise({good, slow, late, refused}, 1.0, {500, 150});
  EXPECT_EQ(summary.requests, 4u);
  EXPECT_EQ(summary.completed, 3u);
  EXPECT_EQ(summary.errors, (std::map<std::string, std::size_t>{{"503", 1}}));
  EXPECT_DOUBLE_EQ(summary.output_tokens_per_second, 4 + 4 + 4);
  EXPECT_DOUBLE_EQ(summary.prompt_tokens_per_second, 30);
  EXPECT_EQ(summary.good, 1u);
  EXPECT_DOUBLE_EQ(summary.good_tokens_per_second, 4);
  EXPECT_NEAR(summary.first_token_ms.p99, 600, 1e-9);
  EXPECT_NEAR(summary.between_tokens_ms.p99, 1300, 1e-9);
  EXPECT_DOUBLE_EQ(summary.fairness, jain_index({8.0 / 8, 4.0 / 8}));
}

}  // namespace
}  // namespace aloud
