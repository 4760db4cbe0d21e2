// matmul against double precision, against itself at other sizes, and every instruction set against scalar.
#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/half.h"
#include "kernels/activations_testing.h"
#include "kernels/format.h"
#include "kernels/panels.h"
#include "kernels/random_blocks.h"

namespace aloud {
namespace {

// Random weights as they lie in a file, and in the layout that matmul likes best.
struct Weights {
  WeightMatrix rows;    // as in a file
  WeightMatrix matrix;  // in panels where the type has them
  std::vector<std::byte> bytes;
  std::vector<std::byte> panels;

  Weights(DType type, std::int64_t row_count, std::int64_t columns, std::uint64_t seed)
      : bytes(row_bytes(type, columns) * row_count) {
    random_blocks(type, seed, bytes, 0.02f);
    rows = {type, row_count, columns, bytes.data()};
    pack();
  }
  // After bytes have changed.
  void pack() {
    matrix = rows;
    if (find_panel_layout(rows.type) == nullptr) return;
    const std::int64_t size = panel_bytes(rows.type, rows.columns);
    panels.resize(panel_matrix_bytes(rows.type, rows.rows, rows.columns) + kPanelAlignment);
    void* start = panels.data();
    std::size_t space = panels.size();
    std::align(kPanelAlignment, 1, start, space);
    for (std::int64_t row = 0; row < rows.rows; row += kPanelRows) {
      pack_panel(rows.type, static_cast<int>(std::min<std::int64_t>(kPanelRows, rows.rows - row)),
                 rows.columns, bytes.data() + row * row_bytes(rows.type, rows.columns),
                 static_cast<std::byte*>(start) + row / kPanelRows * size);
    }
    matrix.data = static_cast<std::byte*>(start);
    matrix.layout = WeightLayout::kPanels;
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

Activations activations(Isa isa, const std::vector<float>& x, std::int64_t columns, InputForms forms,
                        ThreadPool& pool) {
  Activations result;
  result.assign(isa, x.data(), static_cast<std::int64_t>(x.size()) / columns, columns, columns, forms, pool);
  return result;
}

// What the kernels see of x: the int8 form for quantised weights, the values themselves for float ones.
double input_value(const Activations& x, InputForms form, std::int64_t vector, std::int64_t k) {
  if (form == InputForms::kValues) return x.values(vector)[k];
  if (form == InputForms::kBfloat) return float_from_bfloat(x.bfloats(vector)[k]);
  if (form == InputForms::kFine)
    return double{x.fine(vector)[k / 32].scale} * x.fine(vector)[k / 32].quant[k % 32];
  return double{x.coarse(vector, k / 256)->scale} * x.coarse(vector, k / 256)->quant[k % 256];
}

// Compares y with the product in double precision; the tolerance is of the sum of magnitudes.
void expect_product(const MatmulJob& job, const std::vector<float>& weights, const std::string& what) {
  const InputForms form = input_form(job.weights.type);
  for (std::int64_t i = 0; i < job.count; ++i) {
    const std::int64_t vector = job.vectors != nullptr ? job.vectors[i] : i;
    for (std::int64_t r = 0; r < job.weights.rows; ++r) {
      double sum = 0;
      double magnitude = 0;
      for (std::int64_t k = 0; k < job.weights.columns; ++k) {
        const double term = input_value(*job.x, form, vector, k) * weights[r * job.weights.columns + k];
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

constexpr InputForms kAllForms =
    InputForms::kValues | InputForms::kFine | InputForms::kCoarse | InputForms::kBfloat;

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
                                          input_form(type), pool);
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
      const Activations x = activations(isa, random_vectors(7 * columns, 3), columns, input_form(type), pool);
      for (const WeightMatrix& matrix : {weights.matrix, weights.rows}) {
        for (const std::int64_t count : {1, 2, 3, 7}) {
          std::vector<float> y(count * 19);
          const MatmulJob job{matrix, &x, nullptr, count, y.data(), 19};
          matmul(isa, {&job, 1}, pool);
          expect_product(job, weights.values(), label(isa, type));
        }
      }
    }
  }
}

// The same bits for one column or many, one thread or several, alone or beside other jobs, gathered or not.
TEST(Matmul, ResultsDoNotDependOnCompany) {
  constexpr std::int64_t kRows = 83, kColumns = 1024, kCount = 50;
  ThreadPool one(1);
  ThreadPool three(3);
  for (const Isa isa : supported_isas()) {
    for (const DType type : all_types()) {
      const Weights weights(type, kRows, kColumns, 5);
      const Weights other(DType::kQ8_0, 40, kColumns, 6);
      const Activations x =
          activations(isa, random_vectors(kCount * kColumns, 9), kColumns, kAllForms, three);
      std::vector<float> together(kCount * kRows);
      const MatmulJob job{weights.matrix, &x, nullptr, kCount, together.data(), kRows};
      matmul(isa, {&job, 1}, three);

      std::vector<std::int32_t> order(kCount);
      for (int i = 0; i < kCount; ++i) order[i] = (i * 5 + 3) % kCount;
      constexpr std::int64_t kStride = kRows + 5;
      std::vector<float> gathered(kCount * kStride, -1.0f), beside(3 * 40);
      const MatmulJob jobs[] = {{other.matrix, &x, order.data(), 3, beside.data(), 40},
                                {weights.matrix, &x, order.data(), kCount, gathered.data(), kStride}};
      matmul(isa, jobs, one);

      for (std::int64_t count = 1; count < kCount; ++count) {
        std::vector<std::int32_t> last(count);
        for (std::int64_t i = 0; i < count; ++i) last[i] = static_cast<std::int32_t>(kCount - count + i);
        std::vector<float> some(count * kRows);
        const MatmulJob job_of_some{weights.matrix, &x, last.data(), count, some.data(), kRows};
        matmul(isa, {&job_of_some, 1}, three);
        ASSERT_EQ(std::memcmp(some.data(), together.data() + last[0] * kRows, some.size() * sizeof(float)), 0)
            << label(isa, type) << " beside " << count;
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
      const Activations x = activations(isa, random_vectors(kCount * kColumns, 9), kColumns, kAllForms, pool);
      std::vector<float> y(kCount * kRows);
      const MatmulJob job{weights.matrix, &x, nullptr, kCount, y.data(), kRows};
      matmul(isa, {&job, 1}, pool);
      expect_product(job, weights.values(), label(isa, type));
    }
  }
}

// All quants at the ends of their range and x alternating at its own: sums must not saturate.
// Results of so many bytes go past the caches where they lie well: rows that fill lines and rows that do not.
TEST(Matmul, ManyResultsAreTheSameWhereverTheyLie) {
  constexpr std::int64_t kRows = 20016, kColumns = 32, kCount = 260;
  const Weights weights(DType::kQ4_0, kRows, kColumns, 1);
  const std::vector<float> x = random_vectors(kColumns * kCount, 2);
  ThreadPool pool(2);
  for (const Isa isa : supported_isas()) {
    const Activations input = activations(isa, x, kColumns, InputForms::kFine, pool);
    Buffer<float> memory;
    float* const aligned = memory.grow(kRows * kCount);
    std::vector<float> odd(kRows * kCount + 16 * kCount);
    const MatmulJob in_lines[] = {{weights.matrix, &input, nullptr, kCount, aligned, kRows}};
    const MatmulJob between[] = {{weights.matrix, &input, nullptr, kCount, odd.data() + 1, kRows + 3}};
    matmul(isa, in_lines, pool);
    matmul(isa, between, pool);
    for (std::int64_t i = 0; i < kCount; ++i) {
      ASSERT_EQ(std::memcmp(aligned + i * kRows, odd.data() + 1 + i * (kRows + 3), kRows * sizeof(float)), 0)
          << name(isa) << " column " << i;
    }
  }
}

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
    const Activations x = activations(isa, x_values, kColumns, kAllForms, pool);
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
        weights.pack();
        std::vector<float> y(kCount * kRows);
        const MatmulJob job{weights.matrix, &x, nullptr, kCount, y.data(), kRows};
        matmul(isa, {&job, 1}, pool);
        expect_product(job, weights.values(), label(isa, type) + " filled with " + std::to_string(fill));
      }
    }
  }
}

TEST(Matmul, AvxVnniHasTheBitsOfAvx2) {
  const std::span<const Isa> isas = supported_isas();
  if (std::find(isas.begin(), isas.end(), Isa::kAvxVnni) == isas.end())
    GTEST_SKIP() << "not on this processor";
  constexpr std::int64_t kRows = 37, kColumns = 512, kCount = 13;
  ThreadPool pool(2);
  for (const DType type : all_types()) {
    const Weights weights(type, kRows, kColumns, 5);
    for (const std::int64_t count : {std::int64_t{1}, kCount}) {
      std::vector<float> y[2];
      for (const Isa isa : {Isa::kAvx2, Isa::kAvxVnni}) {
        std::vector<float>& found = y[isa == Isa::kAvxVnni];
        found.resize(count * kRows);
        const Activations x =
            activations(isa, random_vectors(count * kColumns, 9), kColumns, kAllForms, pool);
        const MatmulJob job{weights.matrix, &x, nullptr, count, found.data(), kRows};
        matmul(isa, {&job, 1}, pool);
      }
      EXPECT_EQ(std::memcmp(y[0].data(), y[1].data(), y[0].size() * sizeof(float)), 0)
          << label(Isa::kAvxVnni, type);
    }
  }
}

TEST(Matmul, NothingToDo) {
  ThreadPool pool(1);
  const Weights weights(DType::kQ8_0, 4, 32, 1);
  const Activations x = activations(Isa::kScalar, random_vectors(32, 1), 32, InputForms::kFine, pool);
  float y = 5;
  const MatmulJob job{weights.matrix, &x, nullptr, 0, &y, 4};
  matmul(Isa::kScalar, {&job, 1}, pool);
  matmul(Isa::kScalar, {}, pool);
  EXPECT_EQ(y, 5);
}

TEST(Activations, RoundToTheNearestEven) {
  ThreadPool pool(1);
  std::vector<float> x(512, 0.0f);
  x[0] = 127.0f;
  x[1] = 0.5f;
  x[2] = 1.5f;
  x[3] = -2.5f;
  x[4] = -127.0f;
  x[20] = 3.49f;
  const auto expect_first_values = [](const auto& block) {
    EXPECT_EQ(block.scale, 1.0f);
    EXPECT_EQ(block.quant[0], 127);
    EXPECT_EQ(block.quant[1], 0);
    EXPECT_EQ(block.quant[2], 2);
    EXPECT_EQ(block.quant[3], -2);
    EXPECT_EQ(block.quant[4], -127);
    EXPECT_EQ(block.quant[20], 3);
    EXPECT_EQ(block.bias[0], -128.0f * 3);
  };
  const auto expect_zeros = [](const auto& block) {
    EXPECT_EQ(block.scale, 0.0f);
    EXPECT_EQ(block.bias[0], 0.0f);
    for (const std::int8_t quant : block.quant) EXPECT_EQ(quant, 0);
  };
  for (const Isa isa : supported_isas()) {
    const Activations form = activations(isa, x, 512, kAllForms, pool);
    expect_first_values(form.fine(0)[0]);
    EXPECT_EQ(form.fine(0)[0].whole_bias[0], -128 * 3);
    expect_first_values(*form.coarse(0, 0));
    EXPECT_EQ(form.coarse(0, 0)->half_bias[0], 0.0f);
    EXPECT_EQ(form.coarse(0, 0)->half_bias[1], -128.0f * 3);
    expect_zeros(form.fine(0)[1]);
    expect_zeros(*form.coarse(0, 1));
    EXPECT_EQ(std::memcmp(form.values(0), x.data(), x.size() * sizeof(float)), 0);
    for (const int k : {0, 1, 2, 3, 4}) EXPECT_EQ(float_from_bfloat(form.bfloats(0)[k]), x[k]);
    EXPECT_EQ(float_from_bfloat(form.bfloats(0)[20]), 3.484375f);
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
    if (k >= kColumns) {  // blocks of one magnitude, from the smallest to the largest
      const auto exponent = static_cast<int>(k / 32) * 2 % 280 - 150;
      x[k] = std::ldexp(static_cast<float>(static_cast<std::int32_t>(bits)) * 0x1p-31f, exponent);
    }
  }
  x[2 * kColumns + 5] = std::numeric_limits<float>::infinity();
  x[2 * kColumns + 40] = std::numeric_limits<float>::quiet_NaN();
  const Activations expected = activations(Isa::kScalar, x, kColumns, kAllForms, pool);
  EXPECT_TRUE(std::isnan(expected.fine(2)[0].scale));
  EXPECT_TRUE(std::isnan(expected.fine(2)[1].scale));
  EXPECT_TRUE(std::isnan(expected.coarse(2, 0)->scale));
  EXPECT_FALSE(std::isnan(expected.coarse(2, 1)->scale));
  for (const Isa isa : supported_isas()) {
    const Activations form = activations(isa, x, kColumns, kAllForms, pool);
    for (int v = 0; v < 3; ++v) {
      ASSERT_EQ(std::memcmp(form.fine(v), expected.fine(v), kColumns / 32 * sizeof(FineBlock)), 0)
          << name(isa) << " vector " << v;
      for (std::int64_t b = 0; b < kColumns / 256; ++b) {
        ASSERT_TRUE(same_bits(*form.coarse(v, b), *expected.coarse(v, b))) << name(isa) << " vector " << v;
      }
      ASSERT_EQ(std::memcmp(form.bfloats(v), expected.bfloats(v), kColumns * sizeof(std::uint16_t)), 0)
          << name(isa) << " vector " << v;
    }
  }
}

TEST(Activations, TakeStridesAndKeepNoOldForm) {
  ThreadPool pool(2);
  const std::vector<float> x = random_vectors(5 * 100, 4);
  Activations form;
  form.assign(Isa::kScalar, x.data(), 5, 96, 100, InputForms::kValues | InputForms::kFine, pool);
  EXPECT_EQ(form.values(3)[95], x[395]);
  EXPECT_EQ(form.forms(), InputForms::kValues | InputForms::kFine);
  form.assign(Isa::kScalar, x.data(), 2, 50, 50, InputForms::kValues, pool);
  EXPECT_EQ(form.count(), 2);
  EXPECT_EQ(form.columns(), 50);
  EXPECT_EQ(form.forms(), InputForms::kValues);
  EXPECT_EQ(form.values(1)[49], x[99]);
}

}  // namespace
}  // namespace aloud
