// Tests of reading GGUF files: what valid ones say, and the message for each way to be wrong.
#include "weights/gguf.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "weights/gguf_testing.h"

namespace aloud {
namespace {

constexpr std::uint32_t kF32 = 0;

// The error of a file with these bytes, or "valid".
std::string error_of(const RawGguf& raw) {
  const auto file = GgufFile::from_memory(bytes_of(raw.bytes), "file");
  return file ? "valid" : file.error().message;
}

void expect_error(const RawGguf& raw, std::string_view part) {
  const std::string error = error_of(raw);
  EXPECT_NE(error.find(part), std::string::npos) << "found: " << error << "\nexpected: " << part;
  EXPECT_EQ(error.find('\n'), std::string::npos);
}

// A file with one metadata entry, whose type and value follow.
RawGguf entry(std::string_view key = "k") { return RawGguf{}.header(0, 1).text(key); }

TEST(gguf, says_what_is_in_the_file) {
  const std::string bytes = written_bytes(small_file());
  const auto file = GgufFile::from_memory(bytes_of(bytes), "small");
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->name(), "small");
  EXPECT_EQ(file->version(), 3u);
  EXPECT_EQ(file->bytes(), bytes.size());
  EXPECT_EQ(file->parts().size(), 1u);
  const Metadata& metadata = file->metadata();
  EXPECT_EQ(metadata.entries().size(), 27u);
  EXPECT_EQ(metadata.entries()[0].key, "general.architecture");
  EXPECT_EQ(metadata.string("general.architecture"), "llama");
  EXPECT_EQ(metadata.integer("t.u8"), 200);
  EXPECT_EQ(metadata.integer("t.i8"), -100);
  EXPECT_EQ(metadata.integer("t.u16"), 60000);
  EXPECT_EQ(metadata.integer("t.i16"), -30000);
  EXPECT_EQ(metadata.integer("t.u32"), 4000000000);
  EXPECT_EQ(metadata.integer("t.i32"), -2000000000);
  EXPECT_EQ(metadata.integer("t.u64"), std::nullopt);  // does not fit
  EXPECT_EQ(metadata.real("t.u64"), 0x1p64);
  EXPECT_EQ(metadata.integer("t.i64"), -9000000000000000000);
  EXPECT_EQ(metadata.real("t.f32"), 0.5);
  EXPECT_EQ(metadata.real("t.f64"), 0.1);
  EXPECT_EQ(metadata.real("t.i8"), -100.0);
  EXPECT_EQ(metadata.boolean("t.yes"), true);
  EXPECT_EQ(metadata.boolean("t.no"), false);
}

TEST(gguf, arrays_of_every_type) {
  const std::string bytes = written_bytes(small_file());
  const auto file = GgufFile::from_memory(bytes_of(bytes), "small");
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const Metadata& metadata = file->metadata();
  const auto second = [&](std::string_view key) { return metadata.array(key)->integer(1); };
  EXPECT_EQ(second("a.u8"), 255);
  EXPECT_EQ(second("a.i8"), 127);
  EXPECT_EQ(second("a.u16"), 65535);
  EXPECT_EQ(second("a.i16"), 32767);
  EXPECT_EQ(second("a.u32"), 4294967295);
  EXPECT_EQ(second("a.i32"), 2147483647);
  EXPECT_EQ(second("a.u64"), std::numeric_limits<std::int64_t>::max());  // saturates
  EXPECT_EQ(metadata.array("a.u64")->unsigned_integer(1), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(second("a.i64"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(second("a.bool"), 0);
  for (const char* key : {"a.i8", "a.i16", "a.i32", "a.i64"}) EXPECT_EQ(metadata.array(key)->integer(0), -1);
  EXPECT_EQ(metadata.array("a.f32")->real(1), -2.25);
  EXPECT_EQ(metadata.array("a.f64")->real(1), 1e300);
  EXPECT_EQ(metadata.array("a.i16")->real(0), -1.0);
  EXPECT_EQ(metadata.array("a.text")->size, 3u);
  EXPECT_EQ(metadata.array("a.text")->string(0), "");
  EXPECT_EQ(metadata.array("a.text")->string(2), "two words");
  EXPECT_EQ(metadata.array("a.none")->size, 0u);
  EXPECT_TRUE(metadata.array("a.u8")->is_integer());
  EXPECT_FALSE(metadata.array("a.bool")->is_integer());
  EXPECT_FALSE(metadata.array("a.f64")->is_integer());
  EXPECT_FALSE(metadata.array("a.text")->is_integer());
}

TEST(gguf, looks_up_by_kind) {
  const std::string bytes = written_bytes(small_file());
  const auto file = GgufFile::from_memory(bytes_of(bytes), "small");
  ASSERT_TRUE(file.has_value());
  const Metadata& metadata = file->metadata();
  EXPECT_EQ(metadata.integer("none"), std::nullopt);
  EXPECT_EQ(metadata.integer("t.f32"), std::nullopt);
  EXPECT_EQ(metadata.integer("t.yes"), std::nullopt);
  EXPECT_EQ(metadata.real("t.yes"), std::nullopt);
  EXPECT_EQ(metadata.boolean("t.u8"), std::nullopt);
  EXPECT_EQ(metadata.string("t.u8"), std::nullopt);
  EXPECT_EQ(metadata.array("t.u8"), nullptr);
  EXPECT_EQ(metadata.find("none"), nullptr);
  EXPECT_EQ(metadata.require_integer("t.u8", 0, 255), 200);
  EXPECT_EQ(metadata.require_integer("t.u8", 0, 100).error().message,
            "metadata t.u8: found 200, expected 0 to 100");
  EXPECT_EQ(metadata.require_integer("none", 0, 1).error().message,
            "metadata none: missing, expected an integer");
  EXPECT_EQ(metadata.require_integer("t.f32", 0, 1).error().message,
            "metadata t.f32: found a value of type float32, expected an integer");
  EXPECT_EQ(metadata.require_real("t.f32"), 0.5);
  EXPECT_EQ(metadata.require_real("t.yes").error().message,
            "metadata t.yes: found a value of type bool, expected a number");
  EXPECT_EQ(metadata.require_string("general.architecture"), "llama");
  EXPECT_EQ(metadata.require_string("a.text").error().message,
            "metadata a.text: found a value of type array, expected a string");
}

TEST(gguf, tensors_lie_where_they_should) {
  const std::string bytes = written_bytes(small_file());
  const auto file = GgufFile::from_memory(bytes_of(bytes), "small");
  ASSERT_TRUE(file.has_value());
  ASSERT_EQ(file->tensors().size(), 5u);
  const Tensor* tensor = file->find("d.q8_0");
  ASSERT_EQ(tensor, &file->tensors()[3]);
  EXPECT_EQ(tensor->type, DType::kQ8_0);
  EXPECT_EQ(shape_text(*tensor), "[32, 2, 3]");
  EXPECT_EQ(tensor->bytes.size(), 204u);
  EXPECT_EQ((tensor->bytes.data() - bytes_of(bytes).data()) % 64, 0);
  EXPECT_EQ(bytes_of(bytes).data() + file->offset(*tensor), tensor->bytes.data());
  EXPECT_EQ(file->find("d.q8"), nullptr);
  EXPECT_EQ(file->find(""), nullptr);
}

TEST(gguf, version_2_and_files_without_tensors) {
  auto raw = RawGguf{}.header(0, 1, 2).text("k").u32(8).text("v");
  const auto file = GgufFile::from_memory(bytes_of(raw.bytes), "file");
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->version(), 2u);
  EXPECT_EQ(file->metadata().string("k"), "v");
  EXPECT_TRUE(file->tensors().empty());
  EXPECT_EQ(error_of(RawGguf{}.header(0, 0)), "valid");
}

TEST(gguf, refuses_other_files) {
  expect_error(RawGguf{"GGU"}, "file: not a GGUF file");
  expect_error(RawGguf{"ggml at all, and more"}, "not a GGUF file");
  expect_error(RawGguf{"GGUF"}, "the file ends inside the header");
  expect_error(RawGguf{}.header(0, 0, 1), "GGUF version 1 is not supported, only 2 and 3 are");
  expect_error(RawGguf{}.header(0, 0, 4), "GGUF version 4 is not supported");
  expect_error(RawGguf{}.header(0, 0, 0x03000000), "a big-endian GGUF file");
  expect_error(RawGguf{}.header(1ull << 60, 0), "1152921504606846976 tensors, expected at most 131072");
  expect_error(RawGguf{}.header(0, 1ull << 60), "metadata entries, expected at most 65536");
}

TEST(gguf, refuses_broken_metadata) {
  expect_error(RawGguf{}.header(0, 1), "the file ends inside the key of metadata entry 0");
  expect_error(RawGguf{}.header(0, 1).u64(~0ull), "ends inside the key of metadata entry 0");
  expect_error(RawGguf{}.header(0, 1).text("").u32(0).u8(0), "a key of 0 bytes, expected 1 to 65535");
  expect_error(RawGguf{}.header(0, 1).text(std::string(65536, 'k')).u32(0).u8(0), "a key of 65536 bytes");
  expect_error(entry(), "ends inside metadata k");
  expect_error(entry().u32(13), "metadata k has the unknown value type 13");
  for (std::uint32_t type = 0; type <= 12; ++type) expect_error(entry().u32(type), "ends inside metadata k");
  expect_error(entry().u32(7).u8(2), "metadata k: the bool has the value 2, expected 0 or 1");
  expect_error(entry().u32(8).u64(1), "ends inside metadata k");
  expect_error(entry().u32(8).u64(~0ull), "ends inside metadata k");
  expect_error(RawGguf{}.header(0, 2).text("k").u32(0).u8(0).text("k").u32(0).u8(0),
               "metadata k is there twice");
}

TEST(gguf, refuses_broken_arrays) {
  expect_error(entry().u32(9).u32(9).u64(1), "metadata k: arrays of arrays are not supported");
  expect_error(entry().u32(9).u32(13).u64(1), "an array of the unknown value type 13");
  expect_error(entry().u32(9).u32(4), "ends inside metadata k");
  expect_error(entry().u32(9).u32(4).u64(2).u32(1).u8(0), "ends inside metadata k (an array of 2 values)");
  expect_error(entry().u32(9).u32(4).u64(1ull << 62),
               "ends inside metadata k (an array of 4611686018427387904 values)");
  expect_error(entry().u32(9).u32(8).u64(1ull << 61), "ends inside metadata k (an array of");
  expect_error(entry().u32(9).u32(8).u64(2).text("").u64(9), "ends inside string 1 of metadata k");
  expect_error(entry().u32(9).u32(7).u64(2).u8(1).u8(7), "metadata k: a bool is neither 0 nor 1");
}

TEST(gguf, refuses_odd_alignments) {
  const auto alignment = [](std::uint32_t value) { return entry("general.alignment").u32(4).u32(value); };
  expect_error(alignment(0), "metadata general.alignment: found 0, expected 8 to 2097152");
  expect_error(alignment(4), "found 4, expected 8 to");
  expect_error(alignment(48), "metadata general.alignment: found 48, expected a power of two");
  expect_error(alignment(1u << 31), "found 2147483648, expected 8 to");
  expect_error(entry("general.alignment").u32(8).text("32"),
               "found a value of type string, expected an integer");
  EXPECT_EQ(error_of(alignment(8)), "valid");
}

TEST(gguf, refuses_broken_tensor_descriptions) {
  const auto one = [](const std::vector<std::uint64_t>& shape, std::uint32_t type, std::uint64_t offset = 0) {
    return RawGguf{}.header(1, 0).tensor("w", shape, type, offset).pad().zeros(128);
  };
  EXPECT_EQ(error_of(one({32}, kF32)), "valid");
  expect_error(RawGguf{}.header(1, 0), "ends inside the name of tensor 0");
  expect_error(RawGguf{}.header(1, 0).text("w"), "ends inside the description of tensor w");
  expect_error(RawGguf{}.header(1, 0).text("w").u32(2).u64(1), "ends inside the description of tensor w");
  expect_error(RawGguf{}.header(1, 0).text("w").u32(1).u64(1).u32(0),
               "ends inside the description of tensor w");
  expect_error(RawGguf{}.header(1, 0).tensor("", {1}, 0, 0),
               "tensor 0 has a name of 0 bytes, expected 1 to 255");
  expect_error(RawGguf{}.header(1, 0).tensor(std::string(256, 'w'), {1}, 0, 0), "a name of 256 bytes");
  expect_error(one({}, kF32), "tensor w has 0 dimensions, expected 1 to 4");
  expect_error(one({1, 1, 1, 1, 1}, kF32), "tensor w has 5 dimensions");
  expect_error(one({0}, kF32), "tensor w: dimension 0 has the impossible length 0");
  expect_error(one({1, 1ull << 63}, kF32), "dimension 1 has the impossible length 9223372036854775808");
  expect_error(one({33}, 2), "tensor w: rows of 33 values, expected a multiple of 32 for Q4_0");
  expect_error(one({1ull << 32, 1ull << 32}, kF32),
               "tensor w of shape [4294967296, 4294967296] in F32 is larger");
  expect_error(one({1ull << 62}, kF32), "is larger than the file");
  expect_error(one({1}, 40), "tensor w has type 40 (NVFP4), which is not supported");
  expect_error(one({1}, 15), "type 15 (Q8_K)");
  expect_error(one({1}, 999), "tensor w has type 999, which is not supported");
}

TEST(gguf, refuses_tensors_in_wrong_places) {
  const auto one = [](std::uint64_t offset) {
    return RawGguf{}.header(1, 0).tensor("w", {8}, kF32, offset).pad().zeros(64);
  };
  EXPECT_EQ(error_of(one(32)), "valid");
  expect_error(one(16), "tensor w lies at offset 16, expected a multiple of 32");
  expect_error(
      one(64),
      "tensor w (32 bytes at offset 64) goes past the end of the file, which has 64 bytes of tensors");
  expect_error(one(1ull << 63), "goes past the end of the file");
  expect_error(one(~0ull - 31), "goes past the end of the file");
  expect_error(RawGguf{}.header(1, 0).tensor("long name", {1}, kF32, 0), "the padding before the tensors");
  const auto two = [](std::string_view name, std::uint64_t offset) {
    return RawGguf{}.header(2, 0).tensor("w", {9}, kF32, 0).tensor(name, {1}, kF32, offset).pad().zeros(128);
  };
  EXPECT_EQ(error_of(two("v", 64)), "valid");
  expect_error(two("v", 32), "tensors w and v overlap");
  expect_error(two("v", 0), "overlap");
  expect_error(two("w", 64), "tensor w is there twice");
}

TEST(gguf, messages_carry_no_control_characters) {
  expect_error(entry("\x1b[31m\nred").u32(99), "metadata \\x1b[31m\\x0ared has the unknown value type 99");
  expect_error(entry(std::string(60000, 'k')).u32(99), std::string(80, 'k') + "... has the unknown");
  const auto file = GgufFile::from_memory(bytes_of("nothing"), "a\nb");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().message, "a\\x0ab: not a GGUF file (it does not begin with \"GGUF\")");
}

TEST(gguf, opens_files_by_path) {
  const std::string path = testing::TempDir() + "gguf_test_open.gguf";
  const std::string bytes = written_bytes(small_file());
  std::ofstream(path, std::ios::binary) << bytes;
  auto opened = GgufFile::open(path);
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  const GgufFile moved = std::move(*opened);  // views stay valid
  EXPECT_EQ(moved.name(), path);
  EXPECT_EQ(moved.bytes(), bytes.size());
  EXPECT_GT(touch_everything(moved), 0u);
  EXPECT_EQ(GgufFile::open("/none/at/all.gguf").error().message,
            "/none/at/all.gguf: No such file or directory");
  std::remove(path.c_str());
}

}  // namespace
}  // namespace aloud
