// Attention against a plain double-precision computation, and its independence of how the work is cut.
#include "kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>

#include "base/half.h"

namespace aloud {
namespace {

// A sequence with random cache and queries.
struct Case {
  AttentionShape shape;
  std::int64_t first, tokens;
  std::vector<std::unique_ptr<std::uint16_t[]>> memory;
  std::vector<std::uint16_t*> pages;
  std::vector<float> queries;

  Case(AttentionShape s, std::int64_t first_position, std::int64_t count, std::uint32_t seed)
      : shape(s), first(first_position), tokens(count) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> normal(0, 1);
    const auto values = static_cast<std::size_t>(shape.layout.page_bytes() / 2);
    for (std::int64_t t = 0; t < first + tokens; t += kPageTokens) {
      memory.emplace_back(new std::uint16_t[values]);
      for (std::size_t i = 0; i < values; ++i) memory.back()[i] = half_from_float(normal(generator));
      pages.push_back(memory.back().get());
    }
    queries.resize(static_cast<std::size_t>(tokens * shape.heads * shape.key_width));
    for (float& query : queries) query = normal(generator);
  }

  std::size_t out_size() const { return static_cast<std::size_t>(tokens * shape.heads * shape.value_width); }
  AttentionJob job(std::int64_t layer, float* out) const {
    return {pages, layer, first, tokens, queries.data(), out};
  }

  float cached(std::int64_t offset, std::int64_t width, std::int64_t token, std::int64_t i) const {
    return float_from_half(
        pages[static_cast<std::size_t>(token / kPageTokens)][offset + token % kPageTokens * width + i]);
  }

  std::vector<double> expected(std::int64_t layer) const {
    std::vector<double> out(out_size());
    const KvLayout& layout = shape.layout;
    for (std::int64_t t = 0; t < tokens; ++t) {
      for (std::int64_t h = 0; h < shape.heads; ++h) {
        const std::int64_t g = h / (shape.heads / shape.kv_heads), seen = first + t + 1;
        std::vector<double> weights(static_cast<std::size_t>(seen));
        double highest = -1e300, sum = 0;
        for (std::int64_t p = 0; p < seen; ++p) {
          double score = 0;
          for (std::int64_t i = 0; i < shape.key_width; ++i) {
            score += queries[static_cast<std::size_t>((t * shape.heads + h) * shape.key_width + i)] *
                     static_cast<double>(
                         cached(layout.key_offset(layer), layout.key_width, p, g * shape.key_width + i));
          }
          weights[static_cast<std::size_t>(p)] = score * shape.scale;
          highest = std::max(highest, score * shape.scale);
        }
        for (double& weight : weights) sum += weight = std::exp(weight - highest);
        for (std::int64_t p = 0; p < seen; ++p) {
          for (std::int64_t i = 0; i < shape.value_width; ++i) {
            const float value =
                layout.value_width == 0
                    ? cached(layout.key_offset(layer), layout.key_width, p, i)
                    : cached(layout.value_offset(layer), layout.value_width, p, g * shape.value_width + i);
            out[static_cast<std::size_t>((t * shape.heads + h) * shape.value_width + i)] +=
                weights[static_cast<std::size_t>(p)] / sum * value;
          }
        }
      }
    }
    return out;
  }
};

AttentionShape grouped(std::int64_t heads, std::int64_t kv_heads, std::int64_t key_width,
                       std::int64_t value_width) {
  return {{2, kv_heads * key_width, kv_heads * value_width}, heads, kv_heads, key_width, value_width, 0.2f};
}
AttentionShape latent(std::int64_t heads, std::int64_t rank, std::int64_t rope) {
  return {{2, rank + rope, 0}, heads, 1, rank + rope, rank, 0.1f};
}

class AttentionTest : public testing::TestWithParam<Isa> {};

TEST_P(AttentionTest, EqualsPlainComputation) {
  const AttentionShape shapes[] = {grouped(4, 2, 32, 32), grouped(6, 1, 128, 128), grouped(3, 3, 20, 12),
                                   grouped(5, 5, 7, 9),   latent(4, 96, 32),       latent(16, 64, 8)};
  const std::pair<std::int64_t, std::int64_t> places[] = {{0, 1},  {0, 70},  {63, 2},
                                                          {64, 1}, {130, 5}, {300, 1}};
  std::vector<float> scratch;
  ThreadPool pool(2);
  std::uint32_t seed = 0;
  for (const AttentionShape& shape : shapes) {
    for (const auto& [first, tokens] : places) {
      const Case test(shape, first, tokens, ++seed);
      std::vector<float> out(test.out_size());
      const AttentionJob job[] = {test.job(1, out.data())};
      attend(GetParam(), shape, job, pool, scratch);
      const std::vector<double> expected = test.expected(1);
      for (std::size_t i = 0; i < out.size(); ++i) {
        ASSERT_NEAR(out[i], expected[i], 2e-5)
            << "heads " << shape.heads << " first " << first << " at " << i;
      }
    }
  }
}

// The bits of a token's result are the same alone, in a chunk, beside other sequences, with any number of
// threads.
TEST_P(AttentionTest, DoesNotDependOnTheCut) {
  for (const AttentionShape& shape : {grouped(6, 2, 32, 32), latent(12, 64, 16)}) {
    const Case whole(shape, 0, 150, 1), other(shape, 40, 3, 2);
    std::vector<float> scratch, together(whole.out_size()), beside(other.out_size()), alone(whole.out_size());
    ThreadPool one(1), three(3);
    const AttentionJob both[] = {whole.job(0, together.data()), other.job(0, beside.data())};
    attend(GetParam(), shape, both, three, scratch);
    const std::int64_t query_row = shape.heads * shape.key_width, out_row = shape.heads * shape.value_width;
    for (std::int64_t t = 0; t < whole.tokens; ++t) {
      const AttentionJob job[] = {
          {whole.pages, 0, t, 1, whole.queries.data() + t * query_row, alone.data() + t * out_row}};
      attend(GetParam(), shape, job, one, scratch);
    }
    EXPECT_EQ(alone, together);
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, AttentionTest,
                         testing::ValuesIn(supported_isas().begin(), supported_isas().end()),
                         [](const auto& tested) { return std::string(name(tested.param)); });

}  // namespace
}  // namespace aloud
