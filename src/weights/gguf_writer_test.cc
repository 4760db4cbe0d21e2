// Tests of the GGUF writer: what it writes reads back the same, and what it refuses.
#include "weights/gguf_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "weights/gguf_testing.h"

namespace aloud {
namespace {

std::string writer_error(const GgufWriter& writer) {
  const Status status = writer.write_to([](std::span<const std::byte>) -> Status { return {}; });
  return status ? "valid" : status.error().message;
}

const std::vector<std::int64_t> kShape = {2, 2};

GgufWriter one_tensor(TensorProducer producer) {
  GgufWriter writer;
  writer.add_tensor("w", DType::kF32, kShape, std::move(producer));
  return writer;
}

// All of a file again through the writer.
std::string rewritten(const GgufFile& file) {
  GgufWriter writer;
  for (const MetadataEntry& entry : file.metadata().entries()) writer.set(entry.key, metadata_value(entry));
  for (const Tensor& tensor : file.tensors()) {
    const std::span<const std::int64_t> shape(tensor.shape.data(),
                                              static_cast<std::size_t>(tensor.dimensions));
    writer.add_tensor(tensor.name, tensor.type, shape, tensor.bytes);
  }
  return written_bytes(writer);
}

TEST(gguf_writer, a_file_written_again_is_the_same) {
  const std::string bytes = written_bytes(small_file());
  const auto file = GgufFile::from_memory(bytes_of(bytes), "small");
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(rewritten(*file), bytes);
}

TEST(gguf_writer, set_replaces) {
  GgufWriter writer;
  writer.set("k", std::uint32_t{1});
  writer.set("other", true);
  writer.set("k", std::string("text"));
  const std::string bytes = written_bytes(writer);
  const auto file = GgufFile::from_memory(bytes_of(bytes), "file");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->metadata().entries().size(), 2u);
  EXPECT_EQ(file->metadata().entries()[0].key, "k");
  EXPECT_EQ(file->metadata().string("k"), "text");
}

TEST(gguf_writer, tensors_may_come_in_pieces) {
  const std::string content = "0123456789abcdef";
  const GgufWriter writer = one_tensor([&](const PutBytes& put) -> Status {
    for (const char& letter : content) TRY(put(std::as_bytes(std::span(&letter, 1))));
    return {};
  });
  const std::string bytes = written_bytes(writer);
  const auto file = GgufFile::from_memory(bytes_of(bytes), "file");
  ASSERT_TRUE(file.has_value());
  const auto found = file->find("w")->bytes;
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(found.data()), found.size()), content);
  EXPECT_EQ(written_bytes(writer), bytes);  // a second time
}

TEST(gguf_writer, refuses_what_the_reader_would) {
  const auto tensor = [](std::string_view name, DType type, std::vector<std::int64_t> shape) {
    GgufWriter writer;
    writer.add_tensor(name, type, shape, std::span<const std::byte>());
    return writer_error(writer);
  };
  EXPECT_EQ(tensor("", DType::kF32, {1}), "a tensor name of 0 bytes, expected 1 to 255");
  EXPECT_EQ(tensor("w", DType::kF32, {}), "tensor w: 0 dimensions, expected 1 to 4");
  EXPECT_EQ(tensor("w", DType::kF32, {1, 1, 1, 1, 1}), "tensor w: 5 dimensions, expected 1 to 4");
  EXPECT_EQ(tensor("w", DType::kF32, {4, 0}), "tensor w: impossible length 0");
  EXPECT_EQ(tensor("w", DType::kF32, {1ll << 40, 1ll << 40}), "tensor w: impossible length 1099511627776");
  EXPECT_EQ(tensor("w", DType::kF32, {1ll << 62}), "tensor w: too large");
  EXPECT_EQ(tensor("w", DType::kQ4_K, {32}),
            "tensor w: rows of 32 values, expected a multiple of 256 for Q4_K");
  EXPECT_EQ(tensor("w", DType::kF32, {1}), "tensor w: 0 bytes, expected 4");
  const auto entry = [](std::string_view key, MetadataValue value) {
    GgufWriter writer;
    writer.set(key, std::move(value));
    return writer_error(writer);
  };
  EXPECT_EQ(entry("", true), "a metadata key of 0 bytes, expected 1 to 65535");
  EXPECT_EQ(entry("k", MetadataList{std::monostate{}}), "metadata k: a list of nothing known");
  EXPECT_EQ(entry("general.alignment", std::uint32_t{24}),
            "metadata general.alignment: expected a uint32, a power of two from 8 to 2097152");
  EXPECT_EQ(entry("general.alignment", std::string("32")), entry("general.alignment", std::uint32_t{4}));
  GgufWriter twice;
  const std::vector<std::byte> bytes(16);
  twice.add_tensor("w", DType::kF32, kShape, bytes);
  twice.add_tensor("w", DType::kF32, kShape, bytes);
  EXPECT_EQ(writer_error(twice), "tensor w is there twice");
}

TEST(gguf_writer, producers_must_keep_their_word) {
  const auto producing = [](std::size_t size) {
    return one_tensor([size](const PutBytes& put) { return put(std::vector<std::byte>(size)); });
  };
  EXPECT_EQ(writer_error(producing(16)), "valid");
  EXPECT_EQ(writer_error(producing(15)), "tensor w: 15 bytes, expected 16");
  EXPECT_EQ(writer_error(producing(17)), "tensor w: more than the 16 bytes of its shape");
  EXPECT_EQ(writer_error(one_tensor([](const PutBytes&) -> Status { return fail("no idea"); })), "no idea");
}

TEST(gguf_writer, writes_files_whole_or_not_at_all) {
  const auto folder =
      std::filesystem::path(testing::TempDir()) / ("gguf_writer_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "file.gguf").string();
  ASSERT_TRUE(small_file().write(path).has_value());
  const auto file = GgufFile::open(path);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(rewritten(*file), written_bytes(small_file()));
  const auto broken = one_tensor([](const PutBytes& put) -> Status {
    TRY(put(std::vector<std::byte>(8)));
    return fail("the source ended");
  });
  const Status status = broken.write(path);
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, path + ": the source ended");
  EXPECT_TRUE(GgufFile::open(path).has_value());  // the old file is still there
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  EXPECT_FALSE(small_file().write((folder / "none" / "file.gguf").string()).has_value());
  std::filesystem::remove_all(folder);
}

// A random value of a random type, arrays included.
MetadataValue random_value(std::mt19937_64& random) {
  const auto text = [&] {
    std::string bytes(random() % 20, ' ');
    for (char& byte : bytes) byte = static_cast<char>(random());
    return bytes;
  };
  const auto list = [&]<class T>(T) {
    std::vector<T> values(random() % 9);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(random() % 1000);
    return values;
  };
  switch (random() % 24) {
    case 0:
      return static_cast<std::uint8_t>(random());
    case 1:
      return static_cast<std::int8_t>(random());
    case 2:
      return static_cast<std::uint16_t>(random());
    case 3:
      return static_cast<std::int16_t>(random());
    case 4:
      return static_cast<std::uint32_t>(random());
    case 5:
      return static_cast<std::int32_t>(random());
    case 6:
      return static_cast<float>(random());
    case 7:
      return random() % 2 == 0;
    case 8:
      return text();
    case 10:
      return static_cast<std::uint64_t>(random());
    case 11:
      return static_cast<std::int64_t>(random());
    case 12:
      return static_cast<double>(random());
    case 13:
      return MetadataList{list(std::uint8_t{})};
    case 14:
      return MetadataList{list(std::int8_t{})};
    case 15:
      return MetadataList{list(std::uint16_t{})};
    case 16:
      return MetadataList{list(std::int16_t{})};
    case 17:
      return MetadataList{list(std::uint32_t{})};
    case 18:
      return MetadataList{list(std::int32_t{})};
    case 19:
      return MetadataList{list(float{})};
    case 20:
      return MetadataList{list(std::uint64_t{})};
    case 21:
      return MetadataList{list(std::int64_t{})};
    case 22:
      return MetadataList{list(double{})};
    default:
      return MetadataList{std::vector<std::string>{text(), text(), text()}};
  }
}

TEST(gguf_writer, random_files_read_back) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    GgufWriter writer;
    std::vector<MetadataValue> values;
    for (std::size_t i = random() % 12; i > 0; --i) {
      values.push_back(random_value(random));
      writer.set("key." + std::to_string(values.size() - 1), values.back());
    }
    if (round % 3 == 0) writer.set("general.alignment", std::uint32_t{8} << random() % 8);
    std::vector<std::vector<std::byte>> contents;
    for (std::size_t i = random() % 6; i > 0; --i) {
      const DTypeInfo& type = all_dtypes()[random() % all_dtypes().size()];
      std::vector<std::int64_t> shape(1 + random() % 4);
      for (std::int64_t& length : shape) length = static_cast<std::int64_t>(1 + random() % 3);
      shape[0] *= type.block_values;
      std::int64_t rows = 1;
      for (std::size_t d = 1; d < shape.size(); ++d) rows *= shape[d];
      std::vector<std::byte> content(static_cast<std::size_t>(row_bytes(type.type, shape[0]) * rows));
      for (std::byte& byte : content) byte = static_cast<std::byte>(random());
      contents.push_back(content);
      writer.add_tensor("tensor." + std::to_string(contents.size() - 1), type.type, shape,
                        [content](const PutBytes& put) { return put(content); });
    }
    const std::string bytes = written_bytes(writer);
    const auto file = GgufFile::from_memory(bytes_of(bytes), "random");
    ASSERT_TRUE(file.has_value()) << file.error().message;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const MetadataEntry* entry = file->metadata().find("key." + std::to_string(i));
      ASSERT_NE(entry, nullptr);
      EXPECT_EQ(metadata_value(*entry), values[i]) << round << " entry " << i;
    }
    ASSERT_EQ(file->tensors().size(), contents.size());
    for (std::size_t i = 0; i < contents.size(); ++i) {
      const auto found = file->find("tensor." + std::to_string(i))->bytes;
      ASSERT_EQ(found.size(), contents[i].size());
      EXPECT_EQ(std::memcmp(found.data(), contents[i].data(), found.size()), 0);
    }
    EXPECT_EQ(rewritten(*file), bytes);
  }
}

}  // namespace
}  // namespace aloud
