// What is packed, where it lies, and that it is what the file holds.
#include "weights/panel_store.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "kernels/panels.h"
#include "weights/gguf_writer.h"

namespace aloud {
namespace {

struct Shape {
  const char* name;
  DType type;
  std::vector<std::int64_t> lengths;  // columns, rows, matrices
};

constexpr std::int64_t kRows = 37;  // two panels and a part of one

std::vector<std::byte> make_file(const std::vector<Shape>& shapes) {
  GgufWriter writer;
  std::mt19937 random(3);
  std::vector<std::vector<std::byte>> all;
  for (const Shape& shape : shapes) {
    std::int64_t rows = 1;
    for (std::size_t i = 1; i < shape.lengths.size(); ++i) rows *= shape.lengths[i];
    auto& bytes = all.emplace_back(static_cast<std::size_t>(rows * row_bytes(shape.type, shape.lengths[0])));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
    writer.add_tensor(shape.name, shape.type, shape.lengths, bytes);
  }
  std::vector<std::byte> file;
  const Status written = writer.write_to([&](std::span<const std::byte> part) -> Status {
    file.insert(file.end(), part.begin(), part.end());
    return {};
  });
  EXPECT_TRUE(written);
  return file;
}

const std::vector<Shape> kShapes = {
    {"token_embd.weight", DType::kQ4_0, {64, kRows}},
    {"output.weight", DType::kQ8_0, {64, kRows}},
    {"blk.0.ffn_up_exps.weight", DType::kQ4_K, {512, kRows, 3}},
    {"blk.0.attn_kv_b.weight", DType::kQ8_0, {64, kRows}},
    {"blk.0.attn_norm.weight", DType::kF32, {64}},
    {"blk.0.attn_q.weight", DType::kF16, {64, kRows}},
    {"blk.0.attn_k.weight", DType::kQ6_K, {256, kRows}},
};

TEST(PanelStore, PacksWhatIsMultiplied) {
  const std::vector<std::byte> bytes = make_file(kShapes);
  const auto file = GgufFile::from_memory(bytes, "test.gguf");
  ASSERT_TRUE(file) << file.error().message;
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    std::int64_t last_done = 0, last_total = 0;
    const auto store = PanelStore::pack(*file, pool, [&](std::int64_t done, std::int64_t total) {
      EXPECT_GT(done, last_done);
      last_done = done;
      last_total = total;
    });
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ(last_done, std::ssize(store->bytes()));
    EXPECT_EQ(last_total, last_done);
    for (const char* name : {"token_embd.weight", "blk.0.attn_norm.weight", "blk.0.attn_q.weight"})
      EXPECT_EQ(store->find(*file->find(name)), nullptr) << name;
    for (const char* name :
         {"output.weight", "blk.0.attn_kv_b.weight", "blk.0.ffn_up_exps.weight", "blk.0.attn_k.weight"}) {
      const Tensor& tensor = *file->find(name);
      const std::byte* panels = store->find(tensor);
      ASSERT_NE(panels, nullptr) << name;
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(panels) % kPanelAlignment, 0U);
      const std::int64_t size = row_bytes(tensor.type, tensor.columns());
      const std::int64_t matrix = panel_matrix_bytes(tensor.type, kRows, tensor.columns());
      std::vector<std::byte> row(static_cast<std::size_t>(size));
      for (std::int64_t r = 0; r < tensor.rows(); ++r) {
        const std::int64_t within = r % kRows;
        const std::byte* panel =
            panels + r / kRows * matrix + within / kPanelRows * panel_bytes(tensor.type, tensor.columns());
        unpack_panel_row(tensor.type, static_cast<int>(within % kPanelRows), tensor.columns(), panel,
                         row.data());
        EXPECT_EQ(std::memcmp(row.data(), tensor.bytes.data() + r * size, row.size()), 0)
            << name << " row " << r;
      }
    }
  }
}

TEST(PanelStore, AnEmbeddingThatIsTheOutputTooIsPacked) {
  const std::vector<std::byte> bytes = make_file({kShapes[0]});
  const auto file = GgufFile::from_memory(bytes, "test.gguf");
  ASSERT_TRUE(file) << file.error().message;
  ThreadPool pool(1);
  const auto store = PanelStore::pack(*file, pool);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_NE(store->find(*file->find("token_embd.weight")), nullptr);
}

TEST(PanelStore, HoldsNothingOfAFileWithoutQuantisedMatrices) {
  const std::vector<std::byte> bytes = make_file({kShapes[4], kShapes[5]});
  const auto file = GgufFile::from_memory(bytes, "test.gguf");
  ASSERT_TRUE(file) << file.error().message;
  ThreadPool pool(1);
  const auto store = PanelStore::pack(*file, pool);
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE(store->bytes().empty());
  for (const Tensor& tensor : file->tensors()) EXPECT_EQ(store->find(tensor), nullptr);
}

}  // namespace
}  // namespace aloud
