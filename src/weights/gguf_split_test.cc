// Tests of split files: all parts make one model, and a part that is missing or wrong is named.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "weights/gguf.h"
#include "weights/gguf_testing.h"
#include "weights/gguf_writer.h"

namespace aloud {
namespace {

class SplitTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              ("gguf_split_" + std::to_string(::getpid()) + "_" +
               testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(int part, int count = 3) const {
    return (folder_ / fmt::format("model-{:05}-of-{:05}.gguf", part, count)).string();
  }

  // Part `part` (from 1), with one tensor of `value`s; the first part has metadata of the model instead.
  GgufWriter part(int part, int tensors_in_all = 2, int count = 3) {
    GgufWriter writer;
    if (part == 1) writer.set("general.architecture", std::string("llama"));
    writer.set("split.no", static_cast<std::uint16_t>(part - 1));
    writer.set("split.count", static_cast<std::uint16_t>(count));
    writer.set("split.tensors.count", std::int32_t{tensors_in_all});
    if (part > 1) {
      writer.add_tensor(fmt::format("w{}", part), DType::kF32, std::vector<std::int64_t>{16},
                        [part](const PutBytes& put) {
                          const std::vector<float> values(16, static_cast<float>(part));
                          return put(std::as_bytes(std::span(values)));
                        });
    }
    return writer;
  }

  void write_all() {
    for (int i = 1; i <= 3; ++i) ASSERT_TRUE(part(i).write(path(i)).has_value());
  }

  std::string error_of(const std::string& file) const {
    const auto opened = GgufFile::open(file);
    return opened ? "valid" : opened.error().message;
  }
  void expect_error(const std::string& file, const std::string& part) const {
    EXPECT_NE(error_of(file).find(part), std::string::npos)
        << "found: " << error_of(file) << "\nexpected: " << part;
  }

  std::filesystem::path folder_;
};

TEST_F(SplitTest, any_part_opens_them_all) {
  write_all();
  for (int named = 1; named <= 3; ++named) {
    const auto file = GgufFile::open(path(named));
    ASSERT_TRUE(file.has_value()) << file.error().message;
    EXPECT_EQ(file->name(), path(named));
    EXPECT_EQ(file->parts().size(), 3u);
    EXPECT_EQ(file->metadata().string("general.architecture"), "llama");  // of the first part
    ASSERT_EQ(file->tensors().size(), 2u);
    for (const int i : {2, 3}) {
      const Tensor* tensor = file->find(fmt::format("w{}", i));
      ASSERT_NE(tensor, nullptr);
      float value = 0;
      std::memcpy(&value, tensor->bytes.data(), sizeof value);
      EXPECT_EQ(value, static_cast<float>(i));
      EXPECT_EQ(file->parts()[static_cast<std::size_t>(i - 1)].data() + file->offset(*tensor),
                tensor->bytes.data());
    }
    std::uint64_t bytes = 0;
    for (int i = 1; i <= 3; ++i) bytes += std::filesystem::file_size(path(i));
    EXPECT_EQ(file->bytes(), bytes);
    touch_everything(*file);
  }
}

TEST_F(SplitTest, a_missing_part_is_named) {
  write_all();
  std::filesystem::remove(path(2));
  EXPECT_EQ(error_of(path(1)), path(2) + ": No such file or directory");
  EXPECT_EQ(error_of(path(3)), path(2) + ": No such file or directory");
}

TEST_F(SplitTest, a_renamed_part_is_refused) {
  write_all();
  const std::string renamed = (folder_ / "model.gguf").string();
  std::filesystem::rename(path(2), renamed);
  EXPECT_EQ(error_of(renamed),
            renamed + ": part 2 of 3 of a split file, so its name must end in -00002-of-00003.gguf");
}

TEST_F(SplitTest, parts_must_fit_together) {
  write_all();
  ASSERT_TRUE(part(3).write(path(2)).has_value());
  expect_error(path(1), "says it is part 3 of 3, expected part 2 of 3");
  ASSERT_TRUE(part(2, 2, 4).write(path(2)).has_value());
  expect_error(path(1), "says it is part 2 of 4, expected part 2 of 3");
  GgufWriter alone;
  ASSERT_TRUE(alone.write(path(2)).has_value());
  expect_error(path(1), path(2) + ": metadata split.no: missing");
  GgufWriter twin = part(2);
  twin.add_tensor("w3", DType::kF32, std::vector<std::int64_t>{1},
                  [](const PutBytes& put) { return put(std::vector<std::byte>(4)); });
  ASSERT_TRUE(twin.write(path(2)).has_value());
  expect_error(path(1), "tensor w3 is there twice");
}

TEST_F(SplitTest, tensors_are_counted) {
  write_all();
  ASSERT_TRUE(part(1, 3).write(path(1)).has_value());
  expect_error(path(2), "its 3 parts hold 2 tensors, expected 3");
}

TEST_F(SplitTest, counts_have_limits) {
  GgufWriter writer = part(1, 2, 60000);
  ASSERT_TRUE(writer.write(path(1)).has_value());
  expect_error(path(1), "metadata split.count: found 60000, expected 0 to 1024");
  writer = part(1);
  writer.set("split.no", std::uint16_t{3});
  ASSERT_TRUE(writer.write(path(1)).has_value());
  expect_error(path(1), "metadata split.no: found 3, expected 0 to 2");
}

TEST_F(SplitTest, one_part_of_one_is_an_ordinary_file) {
  GgufWriter writer = part(2, 1, 1);
  const std::string bytes = written_bytes(writer);
  EXPECT_TRUE(GgufFile::from_memory(bytes_of(bytes), "memory").has_value());
  const std::string parts = written_bytes(part(2));
  EXPECT_EQ(GgufFile::from_memory(bytes_of(parts), "memory").error().message,
            "memory: part of a split file, which must be opened by its path");
}

}  // namespace
}  // namespace aloud
