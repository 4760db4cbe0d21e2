// Tests of files that appear only when they are complete.
#include "base/atomic_file.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace aloud {
namespace {

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("atomic_file_test_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "file").string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  std::string content() const {
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::filesystem::path folder_;
};

Status append(AtomicFile& file, std::string_view text) { return file.append(std::as_bytes(std::span(text))); }

TEST_F(AtomicFileTest, appears_with_all_its_bytes) {
  const std::string large(3'000'000, 'x');
  {
    auto file = AtomicFile::create(path());
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE(append(*file, "begin ").has_value());
    ASSERT_TRUE(append(*file, large).has_value());
    ASSERT_TRUE(append(*file, " end").has_value());
    EXPECT_FALSE(std::filesystem::exists(path()));
    ASSERT_TRUE(file->commit().has_value());
  }
  EXPECT_EQ(content(), "begin " + large + " end");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFileTest, leaves_the_old_file_without_commit) {
  std::ofstream(path()) << "old";
  {
    auto file = AtomicFile::create(path());
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE(append(*file, "new").has_value());
    AtomicFile moved = std::move(*file);
    EXPECT_EQ(files(), 2u);
  }
  EXPECT_EQ(content(), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFileTest, two_writers_do_not_meet) {
  auto first = AtomicFile::create(path());
  auto second = AtomicFile::create(path());
  ASSERT_TRUE(first.has_value() && second.has_value());
  ASSERT_TRUE(append(*first, "first").has_value());
  ASSERT_TRUE(append(*second, "second").has_value());
  ASSERT_TRUE(second->commit().has_value());
  ASSERT_TRUE(first->commit().has_value());
  EXPECT_EQ(content(), "first");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFileTest, names_the_path_that_cannot_be_written) {
  const auto file = AtomicFile::create((folder_ / "none" / "file").string());
  ASSERT_FALSE(file.has_value());
  EXPECT_NE(file.error().message.find("none/file: No such file or directory"), std::string::npos)
      << file.error().message;
}

// A limit on the size of files stands for a full disk.
TEST_F(AtomicFileTest, a_full_disk_is_an_error_and_leaves_nothing) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{1 << 16, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  Status large = {};
  Status buffered = {};
  {
    auto file = AtomicFile::create(path());
    large = append(*file, std::string(3'000'000, 'x'));
    auto other = AtomicFile::create(path());
    buffered = append(*other, std::string(100'000, 'x'));
    if (buffered) buffered = other->commit();
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, handler);
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().message, "cannot write: File too large");
  ASSERT_FALSE(buffered.has_value());
  EXPECT_EQ(buffered.error().message, path() + ": cannot write: File too large");
  EXPECT_EQ(files(), 0u);
}

}  // namespace
}  // namespace aloud
