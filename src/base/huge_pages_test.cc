// Bytes that move into huge pages while others read them.
#include "base/huge_pages.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/mapped_file.h"

namespace aloud {
namespace {

constexpr std::size_t kHugePage = 2 << 20;

// Bytes of this process at some addresses that belong to a file.
std::size_t bytes_of_files(std::span<const std::byte> range) {
  std::ifstream maps("/proc/self/maps");
  std::size_t found = 0;
  for (std::string line; std::getline(maps, line);) {
    std::size_t begin = 0, end = 0, inode = 0;
    std::sscanf(line.c_str(), "%zx-%zx %*s %*x %*x:%*x %zu", &begin, &end, &inode);
    const auto first = reinterpret_cast<std::size_t>(range.data());
    begin = std::max(begin, first);
    end = std::min(end, first + range.size());
    if (begin < end && inode != 0) found += end - begin;
  }
  return found;
}

class HugePagesTest : public testing::Test {
 protected:
  HugePagesTest() {
    std::mt19937_64 random(1);
    for (std::uint64_t& word : words_) word = random();
    std::ofstream(path_, std::ios::binary).write(reinterpret_cast<const char*>(words_.data()), bytes());
    mapped_ = std::move(*MappedFile::open(path_));
  }
  ~HugePagesTest() override { ::unlink(path_.c_str()); }

  std::streamsize bytes() const { return static_cast<std::streamsize>(words_.size() * sizeof words_[0]); }
  bool is_unchanged() const {
    return std::memcmp(mapped_.bytes().data(), words_.data(), mapped_.bytes().size()) == 0;
  }

  // One file per test: they run side by side.
  const std::string path_ =
      testing::TempDir() + "huge_pages_" + testing::UnitTest::GetInstance()->current_test_info()->name();
  std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>((9 * kHugePage + 12345 * 8) / 8);
  MappedFile mapped_;
};

TEST_F(HugePagesTest, BytesAreTheSameWhileTheyAreMoved) {
  std::atomic<bool> done = false, same = true;
  std::thread reader([&] {
    while (!done) same = same && is_unchanged();
  });
  move_into_huge_pages(mapped_.bytes(), {});
  done = true;
  reader.join();
  EXPECT_TRUE(same);
  EXPECT_TRUE(is_unchanged());
  EXPECT_LT(bytes_of_files(mapped_.bytes()), 2 * kHugePage);
  // What has been moved no longer needs the file.
  ASSERT_EQ(::truncate(path_.c_str(), 0), 0);
  const auto first = reinterpret_cast<std::size_t>(mapped_.bytes().data());
  const std::size_t inner = (kHugePage - first % kHugePage) % kHugePage;
  EXPECT_EQ(std::memcmp(mapped_.bytes().data() + inner,
                        reinterpret_cast<const std::byte*>(words_.data()) + inner, 7 * kHugePage),
            0);
  EXPECT_TRUE(mapped_.check());
}

TEST_F(HugePagesTest, WhatIsStoppedStaysAsItIs) {
  std::stop_source stop;
  stop.request_stop();
  move_into_huge_pages(mapped_.bytes(), stop.get_token());
  EXPECT_EQ(bytes_of_files(mapped_.bytes()), mapped_.bytes().size());
  EXPECT_TRUE(is_unchanged());
  move_into_huge_pages(mapped_.bytes().first(kHugePage - 1), {});  // no whole page
  EXPECT_TRUE(is_unchanged());
}

}  // namespace
}  // namespace aloud
