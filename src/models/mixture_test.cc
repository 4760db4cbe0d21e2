// The router: which experts are chosen, and with which weights. The block: what it computes, and that a
// token's result is its own.
#include "models/mixture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <set>

#include "kernels/format.h"
#include "kernels/random_blocks.h"
#include "weights/gguf_writer.h"

namespace aloud {
namespace {

std::vector<Choice> chosen(const RouterShape& shape, const std::vector<float>& logits,
                           const std::vector<float>& bias = {}) {
  std::vector<float> scratch(static_cast<std::size_t>(2 * shape.experts));
  std::vector<Choice> choices(static_cast<std::size_t>(shape.used));
  route(shape, logits, bias, scratch.data(), choices);
  return choices;
}

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

TEST(Router, SoftmaxKeepsTheProbabilities) {
  const RouterShape shape{.experts = 4, .used = 2};
  const auto choices = chosen(shape, {0, 1, 3, 2});
  const float sum = std::exp(0.0f) + std::exp(1.0f) + std::exp(3.0f) + std::exp(2.0f);
  EXPECT_EQ(choices[0].expert, 2);
  EXPECT_NEAR(choices[0].weight, std::exp(3.0f) / sum, 1e-6);
  EXPECT_EQ(choices[1].expert, 3);
  EXPECT_NEAR(choices[1].weight, std::exp(2.0f) / sum, 1e-6);
}

TEST(Router, SigmoidWeightsAreNormalisedAndScaled) {
  const RouterShape shape{
      .experts = 4, .used = 2, .gating = Gating::kSigmoid, .normalise = true, .scale = 2.5f};
  const auto choices = chosen(shape, {0, -1, 2, 1});
  EXPECT_EQ(choices[0].expert, 2);
  EXPECT_EQ(choices[1].expert, 3);
  EXPECT_NEAR(choices[0].weight, 2.5f * sigmoid(2) / (sigmoid(2) + sigmoid(1)), 1e-6);
  EXPECT_NEAR(choices[0].weight + choices[1].weight, 2.5f, 1e-6);
}

TEST(Router, BiasChoosesButDoesNotWeigh) {
  const RouterShape shape{.experts = 3, .used = 1, .gating = Gating::kSigmoid};
  const auto choices = chosen(shape, {2, 0, -2}, {0, 0, 1});
  EXPECT_EQ(choices[0].expert, 2);
  EXPECT_NEAR(choices[0].weight, sigmoid(-2), 1e-6);
}

TEST(Router, GroupsCountByTheirTwoBest) {
  // The best expert stands in a group whose second best is poor.
  const RouterShape shape{.experts = 6, .used = 2, .groups = 3, .used_groups = 1, .gating = Gating::kSigmoid};
  const auto choices = chosen(shape, {4, -9, 2, 2, 1, 1});
  EXPECT_EQ(choices[0].expert, 2);
  EXPECT_EQ(choices[1].expert, 3);
}

TEST(Router, SoftmaxGroupsCountByTheirBest) {
  const RouterShape shape{.experts = 6, .used = 2, .groups = 3, .used_groups = 1};
  const auto choices = chosen(shape, {4, -9, 2, 2, 1, 1});
  EXPECT_EQ(choices[0].expert, 0);
  EXPECT_EQ(choices[1].expert, 1);
}

TEST(Router, TiesGoToTheLowerNumberAndNanIsNeverPreferred) {
  const RouterShape shape{.experts = 4, .used = 3, .gating = Gating::kSigmoid};
  const auto choices = chosen(shape, {std::nanf(""), 1, 1, 0});
  EXPECT_EQ(choices[0].expert, 1);
  EXPECT_EQ(choices[1].expert, 2);
  EXPECT_EQ(choices[2].expert, 3);
}

constexpr std::int64_t kHidden = 256, kInner = 256, kShared = 2;
constexpr RouterShape kRouter{.experts = 16,
                              .used = 3,
                              .groups = 4,
                              .used_groups = 2,
                              .gating = Gating::kSigmoid,
                              .normalise = true,
                              .scale = 2.5f};

// A model file of one mixture, and the block loaded from it.
class RandomMixture {
 public:
  RandomMixture(DType gate, DType up, DType down) {
    GgufWriter writer;
    add(writer, "blk.0.ffn_gate_inp.weight", DType::kF32, {kHidden, kRouter.experts});
    add(writer, "blk.0.ffn_gate_exps.weight", gate, {kHidden, kInner, kRouter.experts});
    add(writer, "blk.0.ffn_up_exps.weight", up, {kHidden, kInner, kRouter.experts});
    add(writer, "blk.0.ffn_down_exps.weight", down, {kInner, kHidden, kRouter.experts});
    add(writer, "blk.0.ffn_gate_shexp.weight", gate, {kHidden, kShared * kInner});
    add(writer, "blk.0.ffn_up_shexp.weight", up, {kHidden, kShared * kInner});
    add(writer, "blk.0.ffn_down_shexp.weight", down, {kShared * kInner, kHidden});
    // Nobody takes expert 5, many take expert 9.
    std::vector<float> bias(static_cast<std::size_t>(kRouter.experts));
    bias[5] = -10, bias[9] = 0.3f;
    std::vector<std::byte> bytes(bias.size() * sizeof(float));
    std::memcpy(bytes.data(), bias.data(), bytes.size());
    tensors_.push_back(std::move(bytes));
    const std::int64_t lengths[] = {kRouter.experts};
    writer.add_tensor("blk.0.exp_probs_b.bias", DType::kF32, lengths, tensors_.back());
    const Status written = writer.write_to([&](std::span<const std::byte> part) -> Status {
      bytes_.insert(bytes_.end(), part.begin(), part.end());
      return {};
    });
    file_ = GgufFile::from_memory(bytes_, "test");
    EXPECT_TRUE(written && file_);
    auto loaded =
        Mixture::load(TensorLoader(*file_, PanelStore()), "blk.0.", kRouter, kHidden, kInner, kShared);
    EXPECT_TRUE(loaded) << loaded.error().message;
    block_ = std::move(*loaded);
  }

  // [tokens][hidden] from the same.
  std::vector<float> run(Isa isa, ThreadPool& pool, std::span<const float> x) {
    const std::int64_t tokens = std::ssize(x) / kHidden;
    Activations activations;
    activations.assign(isa, x.data(), tokens, kHidden, kHidden, block_->input_forms(), pool);
    std::vector<float> out(x.size(), std::nanf(""));
    block_->run({isa, &pool, &vector_kernels(isa)}, activations, scratch_, out.data());
    return out;
  }

  // Matrix i of a tensor times x.
  std::vector<double> multiply(const std::string& name, std::int64_t i, const std::vector<double>& x) const {
    const Tensor& tensor = *file_->find("blk.0." + name);
    const std::int64_t columns = tensor.shape[0], rows = tensor.shape[1];
    const std::int64_t row_size = row_bytes(tensor.type, columns);
    std::vector<float> row(static_cast<std::size_t>(columns));
    std::vector<double> y;
    for (std::int64_t r = 0; r < rows; ++r) {
      dequantize(tensor.type, tensor.bytes.data() + (i * rows + r) * row_size, row);
      double sum = 0;
      for (std::size_t c = 0; c < row.size(); ++c) sum += row[c] * x[c];
      y.push_back(sum);
    }
    return y;
  }
  std::vector<double> expert(const std::string& suffix, std::int64_t i, const std::vector<double>& x) const {
    std::vector<double> gate = multiply("ffn_gate" + suffix, i, x);
    const std::vector<double> up = multiply("ffn_up" + suffix, i, x);
    for (std::size_t k = 0; k < gate.size(); ++k) gate[k] *= up[k] / (1 + std::exp(-gate[k]));
    return multiply("ffn_down" + suffix, i, gate);
  }

 private:
  void add(GgufWriter& writer, const char* name, DType type, std::vector<std::int64_t> lengths) {
    std::int64_t rows = 1;
    for (std::size_t i = 1; i < lengths.size(); ++i) rows *= lengths[i];
    std::vector<std::byte> blocks(static_cast<std::size_t>(rows * row_bytes(type, lengths[0])));
    random_blocks(type, tensors_.size() + 1, blocks, 0.1f);
    tensors_.push_back(std::move(blocks));
    writer.add_tensor(name, type, lengths, tensors_.back());
  }

  std::vector<std::vector<std::byte>> tensors_;
  std::vector<std::byte> bytes_;
  Result<GgufFile> file_ = fail("not written");
  std::unique_ptr<Mixture> block_;
  Scratch scratch_;
};

std::vector<float> random_tokens(std::int64_t tokens) {
  std::mt19937 generator(static_cast<std::uint32_t>(tokens));
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> x(static_cast<std::size_t>(tokens * kHidden));
  for (float& value : x) value = normal(generator);
  return x;
}

TEST(Mixture, AddsTheChosenExpertsToTheShared) {
  RandomMixture mixture(DType::kF32, DType::kF32, DType::kF32);
  ThreadPool pool(2);
  constexpr std::int64_t kTokens = 7;
  const std::vector<float> x = random_tokens(kTokens);
  const std::vector<float> found = mixture.run(supported_isas().front(), pool, x);
  std::vector<float> bias(static_cast<std::size_t>(kRouter.experts));
  bias[5] = -10, bias[9] = 0.3f;
  std::set<std::int32_t> used;
  for (std::int64_t t = 0; t < kTokens; ++t) {
    const std::vector<double> token(x.begin() + t * kHidden, x.begin() + (t + 1) * kHidden);
    const std::vector<double> logits = mixture.multiply("ffn_gate_inp.weight", 0, token);
    std::vector<double> expected = mixture.expert("_shexp.weight", 0, token);
    for (const Choice& choice : chosen(kRouter, std::vector<float>(logits.begin(), logits.end()), bias)) {
      const std::vector<double> y = mixture.expert("_exps.weight", choice.expert, token);
      for (std::size_t i = 0; i < y.size(); ++i) expected[i] += choice.weight * y[i];
      used.insert(choice.expert);
    }
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double d = found[static_cast<std::size_t>(t * kHidden) + i] - expected[i];
      difference += d * d, size += expected[i] * expected[i];
    }
    EXPECT_LT(std::sqrt(difference / size), 1e-5) << t;
  }
  EXPECT_GT(used.size(), 3u);
}

// The router with the shared experts' gate and up, the experts' gate and up, all downs.
TEST(Mixture, OneTokenPassesThreeBarriers) {
  RandomMixture mixture(DType::kQ4_K, DType::kQ6_K, DType::kQ8_0);
  ThreadPool pool(2);
  mixture.run(supported_isas().front(), pool, random_tokens(1));
  EXPECT_LE(pool.shared_loops(), 3u);
}

class MixtureBits : public testing::TestWithParam<Isa> {};

// A token alone, and among others whose number is odd, even, or more than the products take at once: the same
// bits, with any number of threads.
TEST_P(MixtureBits, ATokenDoesNotDependOnTheOthers) {
  RandomMixture mixture(DType::kQ4_K, DType::kQ6_K, DType::kQ8_0);
  ThreadPool one(1), two(2), three(3);
  const std::vector<float> x = random_tokens(300);
  std::vector<float> alone;
  for (std::int64_t t = 0; t < 33; ++t) {
    const std::vector<float> out = mixture.run(GetParam(), one, std::span(x).subspan(t * kHidden, kHidden));
    alone.insert(alone.end(), out.begin(), out.end());
  }
  for (ThreadPool* pool : {&one, &two, &three}) {
    for (const std::int64_t tokens : {2, 3, 7, 8, 9, 32, 33, 300}) {
      std::vector<float> together =
          mixture.run(GetParam(), *pool, std::span(x).first(static_cast<std::size_t>(tokens * kHidden)));
      together.resize(std::min(together.size(), alone.size()));
      EXPECT_EQ(together, std::vector<float>(alone.begin(), alone.begin() + std::ssize(together)))
          << tokens << " tokens, " << pool->size() << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, MixtureBits,
                         testing::ValuesIn(supported_isas().begin(), supported_isas().end()),
                         [](const auto& tested) { return std::string(name(tested.param)); });

}  // namespace
}  // namespace aloud
