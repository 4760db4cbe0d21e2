// Cores: what affinity masks and control groups leave of the machine.
#include "base/processors.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

namespace aloud {
namespace {

TEST(Processors, AnAffinityMaskCounts) {
  EXPECT_GE(physical_cores(), 1);
  // In a thread of its own, since the mask stays.
  std::thread([] {
    const std::vector<int> all = processors_of_cores();
    ASSERT_FALSE(all.empty());
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(all.back(), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(processors_of_cores(), std::vector<int>{all.back()});
    EXPECT_EQ(physical_cores(), 1);
  }).join();
}

class ControlGroups : public testing::Test {
 protected:
  ControlGroups() { std::filesystem::create_directories(root_); }
  ~ControlGroups() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  double quota(const std::string& groups) const { return cpu_quota(groups, root_.string()); }

 private:
  std::filesystem::path root_ = std::filesystem::path(testing::TempDir()) /
                                testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(ControlGroups, Version2TakesTheSmallestOnTheWayUp) {
  write("a/cpu.max", "150000 100000\n");
  write("a/b/cpu.max", "max 100000\n");
  write("a/b/c/cpu.max", "800000 100000\n");
  EXPECT_EQ(quota("0::/a/b/c\n"), 1.5);
  EXPECT_EQ(quota("0::/a/b/gone\n"), 1.5);
  EXPECT_TRUE(std::isinf(quota("0::/other\n")));
  write("cpu.max", "50000 100000\n");
  EXPECT_EQ(quota("0::/a/b/c\n"), 0.5);
  EXPECT_EQ(quota("0::/\n"), 0.5);
}

TEST_F(ControlGroups, Version1HasAFolderForTheController) {
  write("cpu,cpuacct/jobs/cpu.cfs_quota_us", "250000\n");
  write("cpu,cpuacct/jobs/cpu.cfs_period_us", "100000\n");
  write("cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota("5:memory:/jobs\n4:cpu,cpuacct:/jobs/one\n"), 2.5);
  EXPECT_TRUE(std::isinf(quota("4:cpu,cpuacct:/\n3:cpuset:/jobs\n")));
}

TEST_F(ControlGroups, NonsenseIsNoQuota) {
  write("cpu.max", "a lot\n");
  for (const char* groups : {"", "\n\n", "0:", "::", "0::", "no colon", "0::/\n", "0::a/b"})
    EXPECT_TRUE(std::isinf(quota(groups))) << groups;
}

}  // namespace
}  // namespace aloud
