// Attention against a plain double-precision computation, and its independence of how the work is cut.
#include "kernels/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kernels/attention_plan.h"
#include "kernels/vector.h"

namespace aloud {
namespace {

std::vector<float> random_floats(std::int64_t n, std::mt19937& generator) {
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = normal(generator);
  return values;
}

// A sequence with a random cache and queries. Layer 1 of 2 is written.
struct Case {
  AttentionShape shape;
  std::int64_t first, tokens;
  std::vector<KvPage> memory;
  std::vector<std::byte*> pages;
  std::vector<float> keys, values;  // [positions][layout heads][width], as given to the cache
  std::vector<float> queries;

  Case(const AttentionShape& s, std::int64_t first_position, std::int64_t count, std::uint32_t seed,
       const Case* beginning = nullptr, std::int64_t shared_pages = 0)
      : shape(s), first(first_position), tokens(count) {
    std::mt19937 generator(seed);
    const KvLayout& layout = shape.layout;
    const std::int64_t positions = first + tokens, key_row = layout.heads * layout.key_width,
                       value_row = layout.heads * layout.value_width;
    keys = random_floats(positions * key_row, generator);
    values = random_floats(positions * value_row, generator);
    queries = random_floats(tokens * shape.heads * layout.key_width, generator);
    const VectorKernels& kernels = vector_kernels(supported_isas().front());
    for (std::int64_t t = 0; t < positions; ++t) {
      if (t / kPageTokens < shared_pages) {
        std::copy_n(beginning->keys.begin() + t * key_row, key_row, keys.begin() + t * key_row);
        std::copy_n(beginning->values.begin() + t * value_row, value_row, values.begin() + t * value_row);
        if (t % kPageTokens == 0)
          pages.push_back(beginning->pages[static_cast<std::size_t>(t / kPageTokens)]);
        continue;
      }
      if (t % kPageTokens == 0) {
        memory.push_back(make_kv_page(layout));
        std::fill_n(memory.back().get(), layout.page_bytes(),
                    std::byte{0xFF});  // NaN where nothing is written
        pages.push_back(memory.back().get());
      }
      for (std::int64_t h = 0; h < layout.heads; ++h) {
        kernels.store_kv(layout.slot(pages.back(), 1, h, t % kPageTokens),
                         keys.data() + t * key_row + h * layout.key_width,
                         values.data() + t * value_row + h * layout.value_width);
      }
    }
  }

  std::size_t out_size() const { return static_cast<std::size_t>(tokens * shape.heads * shape.value_width); }
  // Tokens [from, from + count); out is that of all tokens.
  AttentionJob job(float* out, std::int64_t from, std::int64_t count) const {
    return {pages,
            1,
            first + from,
            count,
            queries.data() + from * shape.heads * shape.layout.key_width,
            out + from * shape.heads * shape.value_width};
  }
  AttentionJob job(float* out) const { return job(out, 0, tokens); }

  std::vector<double> expected() const {
    std::vector<double> out(out_size());
    const KvLayout& layout = shape.layout;
    for (std::int64_t v = 0; v < tokens * shape.heads; ++v) {
      const std::int64_t g = v % shape.heads / shape.group(), seen = first + v / shape.heads + 1;
      std::vector<double> weights;
      double highest = -1e300, sum = 0;
      for (std::int64_t p = 0; p < seen; ++p) {
        double score = 0;
        for (std::int64_t i = 0; i < layout.key_width; ++i) {
          score += static_cast<double>(queries[static_cast<std::size_t>(v * layout.key_width + i)]) *
                   keys[static_cast<std::size_t>((p * layout.heads + g) * layout.key_width + i)];
        }
        weights.push_back(score * shape.scale);
        highest = std::max(highest, weights.back());
      }
      for (double& weight : weights) sum += weight = std::exp(weight - highest);
      const std::vector<float>& source = layout.value_width == 0 ? keys : values;
      const std::int64_t row = layout.value_width == 0 ? layout.key_width : layout.value_width;
      for (std::int64_t p = 0; p < seen; ++p) {
        for (std::int64_t i = 0; i < shape.value_width; ++i) {
          out[static_cast<std::size_t>(v * shape.value_width + i)] +=
              weights[static_cast<std::size_t>(p)] / sum *
              source[static_cast<std::size_t>((p * layout.heads + g) * row + i)];
        }
      }
    }
    return out;
  }
};

AttentionShape grouped(std::int64_t heads, std::int64_t kv_heads, std::int64_t key_width,
                       std::int64_t value_width, DType type = DType::kF16) {
  return {{2, kv_heads, key_width, value_width, type}, heads, value_width, 0.2f};
}
AttentionShape latent(std::int64_t heads, std::int64_t rank, std::int64_t rope, DType type = DType::kF16) {
  return {{2, 1, rank + rope, 0, type}, heads, rank, 0.05f};
}

double relative_error(const std::vector<float>& found, const std::vector<double>& expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    difference += (found[i] - expected[i]) * (found[i] - expected[i]);
    size += expected[i] * expected[i];
  }
  return std::sqrt(difference / size);
}

class AttentionTest : public testing::TestWithParam<Isa> {
 protected:
  void attend(const AttentionShape& shape, std::span<const AttentionJob> jobs, ThreadPool& pool) {
    aloud::attend(GetParam(), shape, jobs, pool, scratch_);
  }
  std::vector<float> alone(const Case& test, ThreadPool& pool) {
    std::vector<float> out(test.out_size());
    const AttentionJob job[] = {test.job(out.data())};
    std::vector<float> scratch;
    aloud::attend(GetParam(), test.shape, job, pool, scratch);
    EXPECT_LE(std::ssize(scratch) * 4,
              attention_scratch_bytes(test.shape, test.tokens, test.first + test.tokens, pool.size()));
    return out;
  }
  std::vector<float> scratch_;
};

TEST_P(AttentionTest, EqualsPlainComputation) {
  const AttentionShape shapes[] = {grouped(4, 2, 32, 32),   grouped(7, 1, 128, 128), grouped(3, 3, 20, 12),
                                   grouped(5, 5, 7, 9),     grouped(2, 1, 80, 80),   grouped(2, 2, 96, 96),
                                   grouped(2, 1, 192, 128), latent(4, 96, 32),       latent(3, 512, 64),
                                   latent(16, 60, 8)};
  const std::pair<std::int64_t, std::int64_t> places[] = {{0, 1},  {0, 70},  {63, 2},
                                                          {64, 1}, {510, 5}, {1023, 2}};
  const std::pair<DType, double> types[] = {{DType::kF16, 2e-3}, {DType::kBF16, 2e-2}, {DType::kQ8_0, 3e-2}};
  ThreadPool pool(2);
  std::uint32_t seed = 0;
  for (AttentionShape shape : shapes) {
    for (const auto& [type, tolerance] : types) {
      shape.layout.type = type;
      if (!shape.layout.check("", "")) continue;
      for (const auto& [first, tokens] : places) {
        const Case test(shape, first, tokens, ++seed);
        ASSERT_LT(relative_error(alone(test, pool), test.expected()), tolerance)
            << "heads " << shape.heads << " keys " << shape.layout.key_width << " first " << first << " type "
            << info(type).name;
      }
    }
  }
}

// The bits of a token's result are the same alone, in chunks of any size, with any number of threads.
TEST_P(AttentionTest, DoesNotDependOnTheCut) {
  for (const AttentionShape& shape :
       {grouped(6, 2, 32, 32), latent(12, 64, 16), grouped(6, 2, 32, 32, DType::kQ8_0)}) {
    const Case test(shape, 400, 300, 1);
    ThreadPool one(1), two(2), three(3);
    const std::vector<float> whole = alone(test, three);
    EXPECT_EQ(alone(test, one), whole);
    EXPECT_EQ(alone(test, two), whole);
    for (const std::int64_t chunk : {1, 7, 64, 256}) {
      std::vector<float> out(test.out_size());
      for (std::int64_t t = 0; t < test.tokens; t += chunk) {
        const AttentionJob job[] = {test.job(out.data(), t, std::min(chunk, test.tokens - t))};
        attend(shape, job, two);
      }
      EXPECT_EQ(out, whole) << chunk;
    }
  }
}

// A window of the keys at a time gives the same bits as all of them.
TEST_P(AttentionTest, DoesNotDependOnWindows) {
  const AttentionShape shape = grouped(4, 2, 32, 16);
  const Case test(shape, 900, 300, 3);
  ThreadPool pool(2);
  std::vector<float> out(test.out_size()),
      state(static_cast<std::size_t>(test.tokens * shape.heads * shape.state_width()));
  for (std::int64_t begin = 0; begin < 1200; begin += kSplitTokens) {
    AttentionJob job = test.job(out.data());
    const std::span<std::byte* const> after =
        job.pages.subspan(static_cast<std::size_t>(begin / kPageTokens));
    job.pages = after.first(std::min<std::size_t>(after.size(), kSplitTokens / kPageTokens));
    job.begin = begin;
    job.state = state.data();
    attend(shape, {&job, 1}, pool);
  }
  EXPECT_EQ(out, alone(test, pool));
}

// Sequences that share their first pages read them together, and get the bits that each gets alone.
TEST_P(AttentionTest, SharedPagesGiveTheSameBits) {
  for (const AttentionShape& shape : {grouped(6, 2, 32, 32), latent(12, 64, 16)}) {
    const Case a(shape, 1100, 1, 1), b(shape, 1300, 2, 2, &a, 16), c(shape, 700, 1, 3, &a, 9),
        other(shape, 600, 1, 4);
    ThreadPool pool(3);
    std::vector<std::vector<float>> outs;
    std::vector<AttentionJob> jobs;
    for (const Case* test : {&a, &b, &other, &c}) outs.emplace_back(test->out_size());
    std::size_t i = 0;
    for (const Case* test : {&a, &b, &other, &c}) jobs.push_back(test->job(outs[i++].data()));
    attend(shape, jobs, pool);
    i = 0;
    for (const Case* test : {&a, &b, &other, &c}) EXPECT_EQ(outs[i++], alone(*test, pool));

    const AttentionPlan plan = plan_attention(shape, jobs, 1);
    std::int64_t most[2] = {};
    for (const AttentionItem& item : plan.items)
      if (item.split < 2) most[item.split] = std::max(most[item.split], item.members);
    EXPECT_EQ(most[0], 3);
    EXPECT_EQ(most[1], 2);
  }
}

TEST_P(AttentionTest, ReadsKeysBack) {
  for (const DType type : {DType::kF16, DType::kBF16, DType::kQ8_0}) {
    for (const std::int64_t rope : {32, 20}) {
      const AttentionShape shape = latent(1, 64, rope, type);
      if (!shape.layout.check("", "")) continue;
      const Case test(shape, 0, 50, 5);
      const std::int64_t width = shape.layout.key_width, padded = padded_width(width);
      std::vector<float> keys(static_cast<std::size_t>(kPageTokens * padded));
      read_keys(GetParam(), shape.layout, test.pages[0], 1, 0, keys.data());
      for (std::int64_t i = 0; i < 50 * padded; ++i) {
        const float expected =
            i % padded < width ? test.keys[static_cast<std::size_t>(i / padded * width + i % padded)] : 0;
        ASSERT_NEAR(keys[static_cast<std::size_t>(i)], expected, 0.02) << info(type).name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, AttentionTest,
                         testing::ValuesIn(supported_isas().begin(), supported_isas().end()),
                         [](const auto& tested) { return std::string(name(tested.param)); });

TEST(KvLayout, RefusesWidthsThatBlocksDoNotDivide) {
  const auto message = [](std::int64_t key_width, std::int64_t value_width, DType type) -> std::string {
    const Status status = KvLayout{1, 2, key_width, value_width, type}.check("the key", "the value");
    return status ? "" : status.error().message;
  };
  EXPECT_EQ(message(64, 64, DType::kQ8_0), "");
  EXPECT_EQ(message(80, 72, DType::kF16), "");
  EXPECT_EQ(message(80, 64, DType::kQ8_0),
            "keys and values as Q8_0: the key is 80, expected a multiple of 32; F16 and BF16 take any");
  EXPECT_NE(message(64, 72, DType::kQ8_0).find("the value is 72"), std::string::npos);
  EXPECT_NE(message(64, 64, DType::kF32).find("F32"), std::string::npos);
}

}  // namespace
}  // namespace aloud
