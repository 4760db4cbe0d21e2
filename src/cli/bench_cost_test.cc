// The cost of a small file, counted by hand, and shares of round limits.
#include "cli/bench_cost.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/check.h"
#include "weights/gguf_writer.h"

namespace aloud {
namespace {

struct TensorPlan {
  const char* name;
  DType type;
  std::vector<std::int64_t> shape;
};

// The cost of a file with these tensors, full of zeros, and 4 experts of which a token uses 2.
ModelCost cost_of(const std::vector<TensorPlan>& tensors, bool experts) {
  GgufWriter writer;
  writer.set("general.architecture", std::string("deepseek2"));
  if (experts) {
    writer.set("deepseek2.expert_count", std::uint32_t{4});
    writer.set("deepseek2.expert_used_count", std::uint32_t{2});
  }
  const std::vector<std::byte> zeros(1 << 16);
  for (const TensorPlan& t : tensors) {
    std::int64_t rows = 1;
    for (std::size_t i = 1; i < t.shape.size(); ++i) rows *= t.shape[i];
    const auto bytes = static_cast<std::size_t>(rows * row_bytes(t.type, t.shape[0]));
    writer.add_tensor(t.name, t.type, t.shape, std::span(zeros).first(bytes));
  }
  std::vector<std::byte> content;
  const Status written = writer.write_to([&](std::span<const std::byte> bytes) -> Status {
    content.insert(content.end(), bytes.begin(), bytes.end());
    return {};
  });
  CHECK(written.has_value());
  auto file = GgufFile::from_memory(content, "test");
  CHECK(file.has_value());
  return ModelCost::of(*file, 100);
}

const TensorPlan kEmbedding = {"token_embd.weight", DType::kF16, {32, 10}};
const TensorPlan kOutput = {"output.weight", DType::kQ8_0, {32, 10}};
const TensorPlan kNorm = {"blk.0.attn_norm.weight", DType::kF32, {32}};
const TensorPlan kQuery = {"blk.0.attn_q.weight", DType::kQ4_0, {32, 64}};
const TensorPlan kRouter = {"blk.0.ffn_gate_inp.weight", DType::kF32, {32, 4}};
const TensorPlan kExperts = {"blk.0.ffn_up_exps.weight", DType::kQ8_0, {32, 8, 4}};

TEST(BenchCost, CountsWeightsOncePerStepAndTheirProductsPerToken) {
  const ModelCost cost = cost_of({kEmbedding, kOutput, kNorm, kQuery}, false);
  EXPECT_EQ(cost.shared_bytes, 10 * 34 + 32 * 4 + 64 * 18);
  EXPECT_EQ(cost.prompt_token.int8, 32 * 64);
  EXPECT_EQ(cost.generated_token.int8, 32 * 64 + 32 * 10);
  EXPECT_EQ(cost.generated_token.floats, 0);
  EXPECT_EQ(cost.step_bytes(3, 50), cost.shared_bytes + 3 * 50 * 100);
}

TEST(BenchCost, AnEmbeddingThatIsTheOutputTooIsRead) {
  const ModelCost cost = cost_of({kEmbedding, kQuery}, false);
  EXPECT_EQ(cost.shared_bytes, 320 * 2 + 64 * 18);
  EXPECT_EQ(cost.generated_token.floats, 320);
  EXPECT_EQ(cost.prompt_token.floats, 0);
}

TEST(BenchCost, OfTheExpertsThoseCountThatTokensMeet) {
  const ModelCost cost = cost_of({kOutput, kRouter, kExperts}, true);
  EXPECT_EQ(cost.expert_bytes, 4 * 8 * 34);
  EXPECT_EQ(cost.prompt_token.int8, 2 * 8 * 32);
  EXPECT_EQ(cost.prompt_token.floats, 32 * 4);
  EXPECT_DOUBLE_EQ(cost.step_bytes(1, 0), cost.shared_bytes + cost.expert_bytes / 2);
  EXPECT_DOUBLE_EQ(cost.step_bytes(2, 0), cost.shared_bytes + cost.expert_bytes * 3 / 4);
  EXPECT_NEAR(cost.step_bytes(64, 0), cost.shared_bytes + cost.expert_bytes, 1e-6);
}

TEST(BenchCost, SharesAreOfTheLimits) {
  const MachineLimits limits = {.read_gb_per_s = 40, .int8_gops = 2000, .bf16_gops = 1000, .fp32_gops = 500};
  EXPECT_DOUBLE_EQ(read_share(1e9, 20, limits), 0.5);
  EXPECT_DOUBLE_EQ(compute_share({.int8 = 1e9, .floats = 0}, 500, limits), 0.5);
  EXPECT_DOUBLE_EQ(compute_share({.int8 = 1e9, .floats = 1e9}, 100, limits), 0.1 + 0.2);
  const MachineLimits without_bf16 = {
      .read_gb_per_s = 40, .int8_gops = 2000, .bf16_gops = 0, .fp32_gops = 500};
  EXPECT_DOUBLE_EQ(compute_share({.int8 = 0, .floats = 1e9}, 100, without_bf16), 0.4);
}

}  // namespace
}  // namespace aloud
