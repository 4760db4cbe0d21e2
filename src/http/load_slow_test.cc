// A test under load: ten thousand idle connections and a thousand live streams, with the client in a process
// of its own, since each side needs a descriptor for every connection.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>

#include "http/event_stream.h"
#include "http/server_testing.h"

namespace aloud {
namespace {

constexpr int kIdle = 10'000;
constexpr int kStreams = 1'000;
constexpr int kEvents = 100;
constexpr double kMaxBytesEach = 20'000;

// As many descriptors as the system lets us have.
std::size_t raise_descriptors() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  double size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

// Runs `work` in a child process, which ends with what it returns. Lines pass both ways.
class ChildProcess {
 public:
  explicit ChildProcess(const std::function<int(FILE* from_parent, FILE* to_parent)>& work) {
    int down[2], up[2];
    EXPECT_EQ(pipe(down) + pipe(up), 0);
    process_ = fork();
    if (process_ == 0) {
      ::close(down[1]), ::close(up[0]);
      _exit(work(fdopen(down[0], "r"), fdopen(up[1], "w")));
    }
    ::close(down[0]), ::close(up[1]);
    to_child_ = fdopen(down[1], "w");
    from_child_ = fdopen(up[0], "r");
  }
  ~ChildProcess() {
    std::fclose(to_child_), std::fclose(from_child_);
    int status = 0;
    waitpid(process_, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }

  void tell(int number) {
    fmt::print(to_child_, "{}\n", number);
    std::fflush(to_child_);
  }
  int hear() {
    int number = -1;
    return std::fscanf(from_child_, "%d", &number) == 1 ? number : -1;
  }

 private:
  pid_t process_ = -1;
  FILE* to_child_ = nullptr;
  FILE* from_child_ = nullptr;
};

int read_number(FILE* file) {
  int number = -1;
  return std::fscanf(file, "%d", &number) == 1 ? number : -1;
}

void say(FILE* file, int number) {
  fmt::print(file, "{}\n", number);
  std::fflush(file);
}

// Opens idle connections and says how many; then, when it is told a number of streams, reads them all and
// says how many events came in their order.
int be_many_clients(FILE* from_parent, FILE* to_parent) {
  const auto port = static_cast<std::uint16_t>(read_number(from_parent));
  std::vector<TestClient> idle;
  for (int count = read_number(from_parent); count > 0; --count) {
    idle.emplace_back(port);
    if (count % 2 == 0) continue;
    idle.back().get("/");
    if (idle.back().read_answer().status != 200) return 1;
  }
  say(to_parent, static_cast<int>(idle.size()));

  std::vector<TestClient> streams;
  for (int count = read_number(from_parent); count > 0; --count) {
    streams.emplace_back(port);
    streams.back().get("/stream");
  }
  int in_order = 0;
  for (TestClient& stream : streams) {
    const std::string body = stream.read_answer().body;
    std::string expected;
    for (int event = 0; event < kEvents; ++event) expected += fmt::format("data: {}\n\n", event);
    in_order += body == expected ? kEvents : 0;
  }
  say(to_parent, in_order);
  return 0;
}

TEST(LoadSlow, TenThousandIdleConnectionsAndAThousandStreams) {
  const std::size_t descriptors = raise_descriptors();
  ASSERT_GT(descriptors, 1200u + kStreams);
  const int idle = std::min(kIdle, static_cast<int>(descriptors) - kStreams - 200);
  ChildProcess clients(be_many_clients);

  std::mutex mutex;
  std::vector<EventStream> streams;
  HttpOptions options;
  options.limits.idle_seconds = 10 * kHangSeconds;
  options.limits.connections = options.limits.connections_per_address =
      static_cast<std::size_t>(idle) + kStreams;
  const auto server = start_server(
      {{"GET", "/", 0,
        [](const HttpRequest&, const std::shared_ptr<HttpReply>& reply) { reply->send(200, {}, "idle"); }},
       {"GET", "/stream", 0,
        [&](const HttpRequest&, const std::shared_ptr<HttpReply>& reply) {
          const std::lock_guard lock(mutex);
          streams.emplace_back(reply);
        }}},
      options);

  const double before = resident_bytes();
  clients.tell(server->port());
  clients.tell(idle);
  ASSERT_EQ(clients.hear(), idle);
  while (server->connections() < static_cast<std::size_t>(idle)) std::this_thread::yield();
  const double bytes_each = (resident_bytes() - before) / idle;
  RecordProperty("bytes_per_idle_connection", fmt::format("{:.0f}", bytes_each));
  fmt::print("{} idle connections, {:.0f} bytes each\n", idle, bytes_each);
  EXPECT_LT(bytes_each, kMaxBytesEach);

  clients.tell(kStreams);
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return streams.size();
  };
  while (count() < kStreams) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  // The stub of an engine: one step after another, an event for every stream in each.
  for (int event = 0; event < kEvents; ++event) {
    for (EventStream& stream : streams) EXPECT_TRUE(stream.send({.data = std::to_string(event)}));
  }
  for (EventStream& stream : streams) stream.finish();
  const int in_order = clients.hear();
  fmt::print("{} streams, {} of {} events in order\n", kStreams, in_order, kStreams * kEvents);
  EXPECT_EQ(in_order, kStreams * kEvents);
}

}  // namespace
}  // namespace aloud
