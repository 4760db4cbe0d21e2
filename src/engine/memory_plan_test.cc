// Tests of the memory plan against made-up /proc and /sys trees.
#include "engine/memory_plan.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "engine/fake_model.h"
#include "engine/session.h"

namespace aloud {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

class MachineTest : public ::testing::Test {
 protected:
  MachineTest() {
    root_ = ::testing::TempDir() + "aloud-machine-XXXXXX";
    EXPECT_NE(mkdtemp(root_.data()), nullptr);
  }
  ~MachineTest() override { std::filesystem::remove_all(root_); }

  void put(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }

  std::string root_;
};

TEST_F(MachineTest, WithoutGroupsTheKernelsNumberCounts) {
  EXPECT_EQ(available_memory_bytes(root_), std::nullopt);
  put("/proc/meminfo", "MemTotal:       2048 kB\nMemFree: 1 kB\nMemAvailable:    1024 kB\nBuffers: 3 kB\n");
  EXPECT_EQ(available_memory_bytes(root_), kMiB);
}

TEST_F(MachineTest, VersionTwoTakesTheTightestAncestor) {
  put("/proc/meminfo", "MemAvailable: 1048576 kB\n");
  put("/proc/self/cgroup", "0::/outer/inner\n");
  put("/sys/fs/cgroup/outer/inner/memory.max", "max\n");
  put("/sys/fs/cgroup/outer/inner/memory.current", "4096\n");
  put("/sys/fs/cgroup/outer/memory.max", std::to_string(100 * kMiB));
  put("/sys/fs/cgroup/outer/memory.current", std::to_string(70 * kMiB));
  put("/sys/fs/cgroup/outer/memory.stat", "anon 5\ninactive_file " + std::to_string(20 * kMiB) + "\n");
  EXPECT_EQ(available_memory_bytes(root_), 50 * kMiB);
}

TEST_F(MachineTest, VersionTwoInAContainerWhosePathIsElsewhere) {
  put("/proc/meminfo", "MemAvailable: 1048576 kB\n");
  put("/proc/self/cgroup", "0::/not/here\n");
  put("/sys/fs/cgroup/memory.max", std::to_string(64 * kMiB));
  put("/sys/fs/cgroup/memory.current", std::to_string(65 * kMiB));
  EXPECT_EQ(available_memory_bytes(root_), 0);  // over its limit: nothing is left, never less
}

TEST_F(MachineTest, VersionOne) {
  put("/proc/meminfo", "MemAvailable: 1048576 kB\n");
  put("/proc/self/cgroup", "12:cpuset:/\n5:cpu,memory:/docker/abc\n0::/\n");
  put("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", std::to_string(200 * kMiB));
  put("/sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes", std::to_string(50 * kMiB));
  put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1\n");
  EXPECT_EQ(available_memory_bytes(root_), 150 * kMiB);
}

TEST_F(MachineTest, GarbageIsNoLimit) {
  put("/proc/meminfo", "MemAvailable: many kB\n");
  put("/proc/self/cgroup", "nonsense\n0:\n");
  EXPECT_EQ(available_memory_bytes(root_), std::nullopt);
}

TEST(MemoryPlan, CountsWholePagesAndRefusesWithNumbers) {
  const FakeModel model(1000, [](auto) { return 0; });
  const MemoryPlan plan = plan_memory(1000, model, 65);
  EXPECT_EQ(plan.kv_bytes, 2 * model.shape().kv.page_bytes());
  EXPECT_GE(plan.scratch_bytes, model.attention_scratch_bytes(kPrefillChunkTokens, 65) + 4 * 1000);
  EXPECT_TRUE(check_memory(plan, plan.total_bytes()));
  EXPECT_TRUE(check_memory(plan, std::nullopt));
  const Status refused = check_memory(
      {.weight_bytes = std::int64_t{3} << 30, .kv_bytes = std::int64_t{1} << 29}, std::int64_t{2} << 30);
  ASSERT_FALSE(refused);
  for (const char* number : {"3.50 GiB", "3.00 GiB", "0.50 GiB", "2.00 GiB"}) {
    EXPECT_NE(refused.error().message.find(number), std::string::npos) << refused.error().message;
  }
}

}  // namespace
}  // namespace aloud
