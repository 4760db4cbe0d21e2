// matmul against double precision, against itself at other sizes, and every instruction set against scalar.
#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/format.h"
#include "kernels/random_blocks.h"

namespace aloud {
namespace {

struct Weights {
  WeightMatrix matrix;
  std::vector<std::byte> bytes;

  Weights(DType type, std::int64_t rows, std::int64_t columns, std::uint64_t seed)
      : bytes(row_bytes(type, columns) * rows) {
    random_blocks(type, seed, bytes, 0.02f);
    matrix = {type, rows, columns, bytes.data()};
  }
  Weights(const Weights&) = delete;

  std::vector<float> values() const {
    std::vector<float> result(matrix.rows * matrix.columns);
    dequantize(matrix.type, bytes.data(), result);
    return result;
  }
};

std::vector<float> random_vectors(std::int64_t values, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> result(values);
  for (float& value : result) value = normal(random);
  return result;
}

Activations activations(Isa isa, const std::vector<float>& x, std::int64_t columns, bool quantise,
                        ThreadPool& pool) {
  Activations result;
  result.assign(isa, x.data(), static_cast<std::int64_t>(x.size()) / columns, columns, columns, quantise,
                pool);
  return result;
}

// What the kernels see of x: the int8 form for quantised weights, the values themselves for float ones.
double input_value(const Activations& x, bool quantised, std::int64_t vector, std::int64_t k) {
  if (!quantised) return x.values(vector)[k];
  const ActivationGroup& group = x.groups(vector)[k / kActivationGroup];
  return double{group.scale} * group.quant[k % kActivationGroup];
}

// Compares y with the product in double precision; the tolerance is of the sum of magnitudes.
void expect_product(const MatmulJob& job, const std::vector<float>& weights, const std::string& what) {
  const bool quantised = needs_quantised(job.weights.type);
  for (std::int64_t i = 0; i < job.count; ++i) {
    const std::int64_t vector = job.vectors != nullptr ? job.vectors[i] : i;
    for (std::int64_t r = 0; r < job.weights.rows; ++r) {
      double sum = 0;
      double magnitude = 0;
      for (std::int64_t k = 0; k < job.weights.columns; ++k) {
        const double term = input_value(*job.x, quantised, vector, k) * weights[r * job.weights.columns + k];
        sum += term;
        magnitude += std::abs(term);
      }
      ASSERT_NEAR(job.y[i * job.y_stride + r], sum, 2e-6 * magnitude + 1e-30)
          << what << " row " << r << " column " << i;
    }
  }
}

std::vector<DType> all_types() {
  std::vector<DType> types;
  for (const DTypeInfo& type : all_dtypes()) types.push_back(type.type);
  return types;
}

std::string label(Isa isa, DType type) { return std::string(name(isa)) + " " + std::string(info(type).name); }

struct Size {
  std::int64_t rows, columns, count;
};

TEST(Matmul, EqualsDoublePrecision) {
  ThreadPool pool(2);
  for (const Isa isa : supported_isas()) {
    for (const DType type : all_types()) {
      for (const Size size :
           {Size{1, 512, 1}, Size{47, 768, 9}, Size{33, 1536, 5}, Size{16, 8960, 2}, Size{32, 512, 70}}) {
        const Weights weights(type, size.rows, size.columns, 7);
        const Activations x = activations(isa, random_vectors(size.count * size.columns, 3), size.columns,
                                          needs_quantised(type), pool);
        std::vector<float> y(size.count * size.rows);
        const MatmulJob job{weights.matrix, &x, nullptr, size.count, y.data(), size.rows};
        matmul(isa, {&job, 1}, pool);
        expect_product(job, weights.values(), label(isa, type));
      }
    }
  }
}

// Columns that fill no panel of 256, and for float types no register.
TEST(Matmul, OddColumns) {
  ThreadPool pool(1);
  for (const Isa isa : supported_isas()) {
    for (const DType type : all_types()) {
      const int block = info(type).block_values;
      const std::int64_t columns = block == 1 ? 77 : block == 32 ? 288 + 32 : 256;
      const Weights weights(type, 19, columns, 11);
      const Activations x =
          activations(isa, random_vectors(7 * columns, 3), columns, needs_quantised(type), pool);
      for (const std::int64_t count : {1, 7}) {
        std::vector<float> y(count * 19);
        const MatmulJob job{weights.matrix, &x, nullptr, count, y.data(), 19};
        matmul(isa, {&job, 1}, pool);
        expect_product(job, weights.values(), label(isa, type));
      }
    }
  }
}

// The same bits for one column or many, one thread or several, alone or beside other jobs, gathered or not.
TEST(Matmul, ResultsDoNotDependOnCompany) {
  constexpr std::int64_t kRows = 83, kColumns = 1024, kCount = 17;
  ThreadPool one(1);
  ThreadPool three(3);
  for (const Isa isa : supported_isas()) {
    for (const DType type : all_types()) {
      const Weights weights(type, kRows, kColumns, 5);
      const Weights other(DType::kQ8_0, 40, kColumns, 6);
      const Activations x = activations(isa, random_vectors(kCount * kColumns, 9), kColumns, true, three);
      std::vector<float> together(kCount * kRows), alone(kRows);
      const MatmulJob job{weights.matrix, &x, nullptr, kCount, together.data(), kRows};
      matmul(isa, {&job, 1}, three);

      std::vector<std::int32_t> order(kCount);
      for (int i = 0; i < kCount; ++i) order[i] = (i * 5 + 3) % kCount;
      constexpr std::int64_t kStride = kRows + 5;
      std::vector<float> gathered(kCount * kStride, -1.0f), beside(3 * 40);
      const MatmulJob jobs[] = {{other.matrix, &x, order.data(), 3, beside.data(), 40},
                                {weights.matrix, &x, order.data(), kCount, gathered.data(), kStride}};
      matmul(isa, jobs, one);

      for (std::int64_t i = 0; i < kCount; ++i) {
        const auto vector = static_cast<std::int32_t>(i);
        const MatmulJob single{weights.matrix, &x, &vector, 1, alone.data(), kRows};
        matmul(isa, {&single, 1}, three);
        ASSERT_EQ(std::memcmp(alone.data(), together.data() + i * kRows, kRows * sizeof(float)), 0)
            << label(isa, type);
      }
      for (std::int64_t i = 0; i < kCount; ++i) {
        ASSERT_EQ(std::memcmp(gathered.data() + i * kStride, together.data() + order[i] * kRows,
                              kRows * sizeof(float)),
                  0)
            << label(isa, type);
        for (std::int64_t r = kRows; r < kStride; ++r)
          ASSERT_EQ(gathered[i * kStride + r], -1.0f) << label(isa, type);
      }
    }
  }
}

// More columns than one work item takes.
TEST(Matmul, ManyColumns) {
  constexpr std::int64_t kRows = 20, kColumns = 256, kCount = 601;
  ThreadPool pool(2);
  for (const Isa isa : supported_isas()) {
    for (const DType type : {DType::kQ4_K, DType::kQ6_K, DType::kF32}) {
      const Weights weights(type, kRows, kColumns, 5);
      const Activations x = activations(isa, random_vectors(kCount * kColumns, 9), kColumns, true, pool);
      std::vector<float> y(kCount * kRows);
      const MatmulJob job{weights.matrix, &x, nullptr, kCount, y.data(), kRows};
      matmul(isa, {&job, 1}, pool);
      expect_product(job, weights.values(), label(isa, type));
    }
  }
}

// All quants at the ends of their range and x alternating at its own: sums must not saturate.
TEST(Matmul, ExtremeIntegers) {
  constexpr std::int64_t kRows = 16, kColumns = 512, kCount = 4;
  ThreadPool pool(1);
  std::vector<float> x_values(kCount * kColumns);
  for (std::int64_t k = 0; k < kCount * kColumns; ++k) {
    const std::int64_t vector = k / kColumns;
    const bool negative = vector == 0 ? false : vector == 1 ? true : vector == 2 ? k % 2 != 0 : k % 3 == 0;
    x_values[k] = negative ? -127.0f : 127.0f;
  }
  for (const Isa isa : supported_isas()) {
    const Activations x = activations(isa, x_values, kColumns, true, pool);
    // The block's float scales stay sane; all else takes the same byte.
    struct Place {
      DType type;
      std::int64_t scale, size;
    };
    for (const auto& [type, scale, size] :
         {Place{DType::kQ8_0, 0, 2}, Place{DType::kQ4_0, 0, 2}, Place{DType::kQ5_1, 0, 4},
          Place{DType::kQ4_K, 0, 4}, Place{DType::kQ6_K, 208, 2}, Place{DType::kQ3_K, 108, 2}}) {
      for (const int fill : {0x00, 0x7F, 0x80, 0xFF}) {
        Weights weights(type, kRows, kColumns, 5);
        const std::vector<std::byte> sane = weights.bytes;
        std::memset(weights.bytes.data(), fill, weights.bytes.size());
        for (std::size_t at = scale; at < sane.size(); at += info(type).block_bytes) {
          std::memcpy(weights.bytes.data() + at, sane.data() + at, size);
        }
        std::vector<float> y(kCount * kRows);
        const MatmulJob job{weights.matrix, &x, nullptr, kCount, y.data(), kRows};
        matmul(isa, {&job, 1}, pool);
        expect_product(job, weights.values(), label(isa, type) + " filled with " + std::to_string(fill));
      }
    }
  }
}

TEST(Matmul, NothingToDo) {
  ThreadPool pool(1);
  const Weights weights(DType::kQ8_0, 4, 32, 1);
  const Activations x = activations(Isa::kScalar, random_vectors(32, 1), 32, true, pool);
  float y = 5;
  const MatmulJob job{weights.matrix, &x, nullptr, 0, &y, 4};
  matmul(Isa::kScalar, {&job, 1}, pool);
  matmul(Isa::kScalar, {}, pool);
  EXPECT_EQ(y, 5);
}

TEST(Activations, RoundToTheNearestEven) {
  ThreadPool pool(1);
  std::vector<float> x(64, 0.0f);
  x[0] = 127.0f;
  x[1] = 0.5f;
  x[2] = 1.5f;
  x[3] = -2.5f;
  x[4] = -127.0f;
  x[20] = 3.49f;
  for (const Isa isa : supported_isas()) {
    const Activations form = activations(isa, x, 64, true, pool);
    const ActivationGroup& group = form.groups(0)[0];
    EXPECT_EQ(group.scale, 1.0f);
    EXPECT_EQ(group.quant[0], 127);
    EXPECT_EQ(group.quant[1], 0);
    EXPECT_EQ(group.quant[2], 2);
    EXPECT_EQ(group.quant[3], -2);
    EXPECT_EQ(group.quant[4], -127);
    EXPECT_EQ(group.quant[20], 3);
    EXPECT_EQ(group.half_bias[0], 0.0f);
    EXPECT_EQ(group.half_bias[1], -128.0f * 3);
    EXPECT_EQ(group.bias, -128.0f * 3);
    const ActivationGroup& zeros = form.groups(0)[1];
    EXPECT_EQ(zeros.scale, 0.0f);
    EXPECT_EQ(zeros.bias, 0.0f);
    for (const std::int8_t quant : zeros.quant) EXPECT_EQ(quant, 0);
    EXPECT_EQ(std::memcmp(form.values(0), x.data(), 64 * sizeof(float)), 0);
  }
}

// Any float at all: every instruction set gives the same form, and what is not finite becomes a NaN scale.
TEST(Activations, AreTheSameOnEveryIsa) {
  constexpr std::int64_t kColumns = 4096;
  ThreadPool pool(2);
  std::mt19937 random(17);
  std::vector<float> x(3 * kColumns);
  for (std::int64_t k = 0; k < 3 * kColumns; ++k) {
    const auto bits = static_cast<std::uint32_t>(random());
    std::memcpy(&x[k], &bits, 4);
    if (k >= kColumns) {  // groups of one magnitude, from the smallest to the largest
      const auto exponent = static_cast<int>(k / kActivationGroup) * 2 % 280 - 150;
      x[k] = std::ldexp(static_cast<float>(static_cast<std::int32_t>(bits)) * 0x1p-31f, exponent);
    }
  }
  x[2 * kColumns + 5] = std::numeric_limits<float>::infinity();
  x[2 * kColumns + 40] = std::numeric_limits<float>::quiet_NaN();
  const Activations expected = activations(Isa::kScalar, x, kColumns, true, pool);
  EXPECT_TRUE(std::isnan(expected.groups(2)[0].scale));
  EXPECT_TRUE(std::isnan(expected.groups(2)[1].scale));
  for (const Isa isa : supported_isas()) {
    const Activations form = activations(isa, x, kColumns, true, pool);
    for (int v = 0; v < 3; ++v) {
      ASSERT_EQ(std::memcmp(form.groups(v), expected.groups(v),
                            kColumns / kActivationGroup * sizeof(ActivationGroup)),
                0)
          << name(isa) << " vector " << v;
    }
  }
}

TEST(Activations, TakeStridesAndKeepNoOldForm) {
  ThreadPool pool(2);
  const std::vector<float> x = random_vectors(5 * 100, 4);
  Activations form;
  form.assign(Isa::kScalar, x.data(), 5, 96, 100, true, pool);
  EXPECT_EQ(form.values(3)[95], x[395]);
  EXPECT_TRUE(form.quantised());
  form.assign(Isa::kScalar, x.data(), 2, 50, 50, false, pool);
  EXPECT_EQ(form.count(), 2);
  EXPECT_EQ(form.columns(), 50);
  EXPECT_FALSE(form.quantised());
  EXPECT_EQ(form.values(1)[49], x[99]);
}

}  // namespace
}  // namespace aloud
