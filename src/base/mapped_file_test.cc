// Tests of mapped files: the bytes, who owns them, and what cannot be mapped.
#include "base/mapped_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace aloud {
namespace {

class MappedFileTest : public testing::Test {
 protected:
  MappedFileTest() { std::filesystem::create_directories(folder_); }
  ~MappedFileTest() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& content) {
    const std::filesystem::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }

  // One folder per test: they run side by side.
  const std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) /
      (std::string("mapped_file_") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(MappedFileTest, TheBytesAreTheFile) {
  auto file = MappedFile::open(write("letter", "27*14"));
  ASSERT_TRUE(file.has_value()) << file.error().message;
  ASSERT_EQ(file->bytes().size(), 5u);
  EXPECT_EQ(std::memcmp(file->bytes().data(), "27*14", 5), 0);

  MappedFile moved = std::move(*file);
  EXPECT_EQ(std::memcmp(moved.bytes().data(), "27*14", 5), 0);
}

TEST_F(MappedFileTest, ErrorsNameTheFile) {
  for (const std::string& path : {(folder_ / "missing").string(), folder_.string(), write("empty", "")}) {
    const auto file = MappedFile::open(path);
    ASSERT_FALSE(file.has_value()) << path;
    EXPECT_EQ(file.error().message.rfind(path + ": ", 0), 0u) << file.error().message;
  }
}

TEST_F(MappedFileTest, AnErrorShowsNoControlCharacters) {
  const auto file = MappedFile::open((folder_ / "\x1b[31m").string());
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().message.find('\x1b'), std::string::npos);
}

TEST_F(MappedFileTest, AFileThatIsCutShortReadsAsZerosAndSaysSo) {
  const std::string path = write("shrinks", std::string(3 << 16, 'x')), whole = write("whole", "27*14");
  auto file = MappedFile::open(path);
  const auto other = MappedFile::open(whole);
  ASSERT_TRUE(file && other);
  EXPECT_TRUE(file->check());
  std::filesystem::resize_file(path, 1 << 16);
  const auto byte_at = [&](std::size_t i) {
    const volatile std::byte* bytes = file->bytes().data();
    return static_cast<int>(bytes[i]);
  };
  EXPECT_EQ(byte_at((1 << 16) - 1), 'x');
  EXPECT_TRUE(file->check());
  EXPECT_EQ(byte_at(1 << 16), 0);
  EXPECT_EQ(byte_at((3 << 16) - 1), 0);
  const Status status = file->check();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message,
            path + ": the file was cut short or could not be read while it was in use");
  EXPECT_TRUE(other->check());
  // The place of a damaged mapping is used again without its damage.
  { const auto gone = std::move(*file); }
  const auto again = MappedFile::open(whole);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->check());
}

TEST_F(MappedFileTest, BusErrorsElsewhereStillEndTheProcess) {
  const auto file = MappedFile::open(write("whole", "27*14"));
  ASSERT_TRUE(file);
  EXPECT_DEATH(::raise(SIGBUS), "");
}

}  // namespace
}  // namespace aloud
