// Tests of streams: order, silence, clients that leave or do not read, servers that close.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "http/event_stream.h"
#include "http/server_testing.h"

namespace aloud {
namespace {

using StreamReply = std::shared_ptr<HttpReply>;
using namespace std::chrono_literals;

// Hands the replies of its route to the test.
class Waiting {
 public:
  Route route(std::string method = "GET", std::string pattern = "/") {
    return {std::move(method), std::move(pattern), 1000,
            [this](const HttpRequest&, const StreamReply& reply) {
              const std::lock_guard lock(mutex_);
              replies_.push_back(reply);
              came_.notify_all();
            }};
  }
  StreamReply next() {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, std::chrono::seconds(kHangSeconds), [&] { return !replies_.empty(); }))
      return nullptr;
    StreamReply reply = replies_.front();
    replies_.erase(replies_.begin());
    return reply;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<StreamReply> replies_;
};

// Counts calls, and lets the test wait for the first.
class Gone {
 public:
  void watch(const StreamReply& reply) {
    reply->on_gone([this] {
      const std::lock_guard lock(mutex_);
      ++calls_;
      called_.notify_all();
    });
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return called_.wait_for(lock, std::chrono::seconds(kHangSeconds), [&] { return calls_ > 0; });
  }
  int calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable called_;
  int calls_ = 0;
};

TEST(Stream, ArrivesPieceByPiece) {
  Waiting waiting;
  const auto server = start_server({waiting.route()});
  TestClient client(server->port());
  client.get("/");
  const StreamReply reply = waiting.next();
  reply->begin(200, {{"content-type", "text/plain"}});
  const Answer head = client.read_head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("transfer-encoding"), "chunked");
  EXPECT_TRUE(reply->write("one"));
  EXPECT_EQ(client.read_chunk(), "one");
  EXPECT_TRUE(reply->write(""));
  EXPECT_TRUE(reply->write("two\r\n"));
  EXPECT_EQ(client.read_chunk(), "two\r\n");
  reply->finish();
  EXPECT_EQ(client.read_chunk(), "");
  EXPECT_FALSE(reply->write("late"));
  client.get("/");
  waiting.next()->send(200, {}, "next");
  EXPECT_EQ(client.read_answer().body, "next");
}

TEST(Stream, EventsWithTheirIds) {
  std::string seen;
  const auto server =
      start_server({{"GET", "/", 0, [&](const HttpRequest& request, const StreamReply& reply) {
                       seen = last_event_id(request);
                       EventStream stream(reply, {{"x-a", "b"}});
                       stream.send({.data = "a\nb", .event = "e", .id = "8"});
                       stream.comment("c");
                       stream.finish();
                     }}});
  TestClient client(server->port());
  client.get("/", "Last-Event-ID: 7\r\n");
  const Answer answer = client.read_answer();
  EXPECT_EQ(seen, "7");
  EXPECT_EQ(answer.header("content-type"), "text/event-stream");
  EXPECT_EQ(answer.header("x-a"), "b");
  EXPECT_EQ(answer.body, "event: e\nid: 8\ndata: a\ndata: b\n\n: c\n\n");
}

TEST(Stream, ThreadsWriteInTheOrderOfTheirCalls) {
  Waiting waiting;
  const auto server = start_server({waiting.route()});
  constexpr int kStreams = 20, kEvents = 500;
  std::vector<TestClient> clients;
  std::vector<std::thread> writers;
  for (int i = 0; i < kStreams; ++i) {
    clients.emplace_back(server->port()).get("/");
    writers.emplace_back([reply = waiting.next()] {
      EventStream stream(reply);
      for (int event = 0; event < kEvents; ++event) EXPECT_TRUE(stream.send({.data = std::to_string(event)}));
      stream.finish();
    });
  }
  std::string expected;
  for (int event = 0; event < kEvents; ++event) expected += "data: " + std::to_string(event) + "\n\n";
  for (TestClient& client : clients) EXPECT_EQ(client.read_answer().body, expected);
  for (std::thread& writer : writers) writer.join();
}

TEST(Stream, ThreadsFillSilence) {
  Waiting waiting;
  HttpOptions options;
  options.limits.silence_seconds = 0.05;
  const auto server = start_server({waiting.route()}, options);
  TestClient client(server->port());
  client.get("/");
  EventStream stream(waiting.next());
  client.read_head();
  EXPECT_EQ(client.read_chunk(), ": \n\n");
  EXPECT_EQ(client.read_chunk(), ": \n\n");
  stream.finish();
}

TEST(Stream, ThreadsNoticeAClientThatLeavesInSilence) {
  enum class How { kClose, kReset, kHalfClose };
  for (const How how : {How::kClose, How::kReset, How::kHalfClose}) {
    for (const bool begun : {false, true}) {
      Waiting waiting;
      const auto server = start_server({waiting.route()});
      TestClient client(server->port());
      client.get("/");
      const StreamReply reply = waiting.next();
      Gone gone;
      gone.watch(reply);
      if (begun) {
        reply->begin(200, {});
        client.read_head();
      }
      if (how == How::kClose) client.close();
      if (how == How::kReset) client.reset();
      if (how == How::kHalfClose) client.end();
      EXPECT_TRUE(gone.wait());
      if (!begun) reply->begin(200, {});
      EXPECT_FALSE(reply->write("x"));
      reply->finish();
      EXPECT_EQ(gone.calls(), 1);
      Gone late;
      late.watch(reply);
      EXPECT_EQ(late.calls(), 1);
    }
  }
}

TEST(Stream, ThreadsAreNotToldOfAClientThatLeavesAfterwards) {
  Waiting waiting;
  Gone gone;
  {
    const auto server = start_server({waiting.route()});
    TestClient client(server->port());
    client.get("/");
    const StreamReply reply = waiting.next();
    gone.watch(reply);
    reply->send(200, {}, "done");
    EXPECT_EQ(client.read_answer().body, "done");
  }
  EXPECT_EQ(gone.calls(), 0);
}

// A request, and the client's end right behind it, as from `nc -N`: the answer is given all the same.
TEST(Stream, AnAnswerThatIsCompleteReachesAClientThatEnded) {
  const std::string large(3'000'000, 'x');
  const auto server = start_server(
      {{"GET", "/", 0, [&](const HttpRequest&, const StreamReply& reply) { reply->send(200, {}, large); }}});
  TestClient client(server->port());
  client.get("/");
  client.end();
  EXPECT_EQ(client.read_answer().body.size(), large.size());
  EXPECT_TRUE(client.is_closed());
}

TEST(Stream, AbandonedIsCutOff) {
  Waiting waiting;
  const auto server = start_server({waiting.route()});
  TestClient client(server->port());
  client.get("/");
  {
    const StreamReply reply = waiting.next();
    reply->begin(200, {});
    reply->write("part");
  }
  client.read_head();
  EXPECT_EQ(client.read_all(), "4\r\npart\r\n");  // without the chunk that ends it
}

TEST(Stream, HeadNeedsNone) {
  Waiting waiting;
  const auto server = start_server({waiting.route()});
  TestClient client(server->port());
  client.send("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const StreamReply reply = waiting.next();
  reply->begin(200, {});
  EXPECT_FALSE(reply->write("x"));
  EXPECT_EQ(client.read_answer(true).status, 200);
  client.get("/");
  waiting.next()->send(200, {}, "next");
  EXPECT_EQ(client.read_answer().body, "next");
}

TEST(Stream, ThreadsAreRefusedWhenAClientDoesNotRead) {
  Waiting waiting;
  HttpOptions options;
  options.limits.unsent_bytes = 100'000;
  const auto server = start_server({waiting.route()}, options);
  TestClient client(server->port(), 4096);
  client.get("/");
  const StreamReply reply = waiting.next();
  Gone gone;
  gone.watch(reply);
  reply->begin(200, {});
  const std::string piece(10'000, 'x');
  // What the system's buffers hold, the bound, and more must be refused at last.
  std::size_t written = 0;
  while (reply->write(piece) && written < 100'000'000) written += piece.size();
  EXPECT_LT(written, 100'000'000u);
  EXPECT_GE(written, 100'000u);
  EXPECT_TRUE(gone.wait());
  EXPECT_EQ(gone.calls(), 1);
  EXPECT_EQ(server->connections(), 0u);
}

TEST(Stream, ThreadsLeaveASlowReaderAfterTheTimeToWrite) {
  Waiting waiting;
  HttpOptions options;
  options.limits.unsent_bytes = 100'000'000;
  options.limits.write_seconds = 0.3;
  const auto server = start_server({waiting.route()}, options);
  TestClient client(server->port(), 4096);
  client.get("/");
  const StreamReply reply = waiting.next();
  Gone gone;
  gone.watch(reply);
  reply->begin(200, {});
  reply->write(std::string(50'000'000, 'x'));
  EXPECT_TRUE(gone.wait());
}

TEST(Stream, ThreadsDrain) {
  Waiting waiting;
  HttpOptions options;
  options.threads = 1;
  auto server = start_server({waiting.route(), waiting.route("POST", "/post")}, options);
  TestClient active(server->port()), sending(server->port()), streaming(server->port()), idle(server->port());
  active.get("/");
  const StreamReply first = waiting.next();
  streaming.get("/");
  const StreamReply stream = waiting.next();
  stream->begin(200, {});
  sending.send("POST /post HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1");
  // When this is answered, the server has seen all that was sent before; and it has the idle one last.
  idle.get("/");
  waiting.next()->send(200, {}, "");
  idle.read_answer();
  auto drained = std::async(std::launch::async, [&] { return server->drain(kHangSeconds); });
  EXPECT_TRUE(idle.is_closed());
  first->send(200, {}, "first");
  const Answer answer = active.read_answer();
  EXPECT_EQ(answer.body, "first");
  EXPECT_EQ(answer.header("connection"), "close");
  EXPECT_TRUE(active.is_closed());
  active.close();
  sending.send("2");
  waiting.next()->send(200, {}, "sent");
  EXPECT_EQ(sending.read_answer().body, "sent");
  sending.close();
  stream->write("end");
  stream->finish();
  EXPECT_EQ(streaming.read_answer().body, "end");
  streaming.close();
  EXPECT_EQ(drained.get(), 0u);
}

TEST(Stream, ThreadsAreCutOffWhenDrainingTakesTooLong) {
  Waiting waiting;
  auto server = start_server({waiting.route()});
  TestClient client(server->port());
  client.get("/");
  const StreamReply reply = waiting.next();
  Gone gone;
  gone.watch(reply);
  EXPECT_EQ(server->drain(0.1), 1u);
  EXPECT_EQ(gone.calls(), 1);
  EXPECT_TRUE(client.is_closed());
}

TEST(Stream, ThreadsMayKeepAReplyLongerThanTheServer) {
  Waiting waiting;
  StreamReply reply;
  Gone gone;
  std::atomic<bool> stop = false;
  std::thread writer;
  {
    const auto server = start_server({waiting.route()});
    TestClient client(server->port());
    client.get("/");
    reply = waiting.next();
    gone.watch(reply);
    reply->begin(200, {});
    writer = std::thread([&] {
      while (!stop) reply->write("x");
    });
    client.read_head();
  }
  EXPECT_EQ(gone.calls(), 1);
  stop = true;
  writer.join();
  reply->finish();
}

// Many clients come, leave at any moment, while handlers answer from several threads: for the sanitizers.
TEST(Stream, ThreadsSurviveChurn) {
  Waiting waiting;
  std::atomic<int> gone = 0, answered = 0;
  HttpOptions options;
  options.on_request = [&](const AccessRecord& record) {
    if (record.complete) ++answered;
  };
  auto server = start_server({waiting.route()}, options);
  constexpr int kClients = 3, kRounds = 60;
  std::vector<std::thread> threads;
  for (int i = 0; i < kClients; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < kRounds; ++round) {
        TestClient client(server->port());
        client.get("/");
        if ((round + i) % 3 == 0) client.read_head();
        if ((round + i) % 3 == 1) client.read_answer();
        if (round % 2 == 0) client.reset();
      }
    });
  }
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kClients * kRounds / 2; ++round) {
        const StreamReply reply = waiting.next();
        ASSERT_TRUE(reply);
        reply->on_gone([&] { ++gone; });
        reply->begin(200, {});
        for (int event = 0; event < 20; ++event) reply->write("event");
        reply->finish();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  server.reset();
  EXPECT_GE(answered, kClients * kRounds / 4);
}

}  // namespace
}  // namespace aloud
