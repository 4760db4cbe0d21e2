// Every instruction set's vector kernels against plain double-precision arithmetic.
#include "kernels/vector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "base/half.h"

namespace aloud {
namespace {

std::vector<float> random_floats(std::size_t n, std::uint32_t seed, float spread = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> values(n);
  for (float& value : values) value = normal(generator);
  return values;
}

// Lengths around every register width, and a hidden size.
constexpr std::size_t kLengths[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1536};

class VectorKernelsTest : public testing::TestWithParam<Isa> {
 protected:
  const VectorKernels& kernels = vector_kernels(GetParam());
};

TEST_P(VectorKernelsTest, RmsNorm) {
  for (const std::size_t n : kLengths) {
    const std::vector<float> x = random_floats(n, 1), weight = random_floats(n, 2);
    double squares = 0;
    for (const float value : x) squares += static_cast<double>(value) * value;
    const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-6);
    std::vector<float> out(n), plain(n);
    kernels.rms_norm(x.data(), weight.data(), 1e-6f, static_cast<std::int64_t>(n), out.data());
    kernels.rms_norm(x.data(), nullptr, 1e-6f, static_cast<std::int64_t>(n), plain.data());
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_NEAR(out[i], x[i] * factor * weight[i], 1e-5) << n;
      EXPECT_NEAR(plain[i], x[i] * factor, 1e-5) << n;
    }
  }
}

TEST_P(VectorKernelsTest, Swiglu) {
  for (const std::size_t n : kLengths) {
    std::vector<float> gate = random_floats(n, 3, 4);
    const std::vector<float> up = random_floats(n, 4);
    gate[0] = -200;  // exp(200) overflows; the result is zero all the same
    std::vector<float> out(n);
    kernels.swiglu(gate.data(), up.data(), static_cast<std::int64_t>(n), out.data());
    for (std::size_t i = 0; i < n; ++i) {
      const double expected = gate[i] / (1 + std::exp(-static_cast<double>(gate[i]))) * up[i];
      EXPECT_NEAR(out[i], expected, 1e-6 * std::abs(expected) + 1e-7) << n;
    }
  }
}

TEST_P(VectorKernelsTest, Additions) {
  for (const std::size_t n : kLengths) {
    const std::vector<float> x = random_floats(n, 5), y = random_floats(n, 6);
    std::vector<float> sum = x, scaled = x;
    kernels.add(sum.data(), y.data(), static_cast<std::int64_t>(n));
    kernels.add_scaled(scaled.data(), y.data(), 0.25f, static_cast<std::int64_t>(n));
    for (std::size_t i = 0; i < n; ++i) {
      EXPECT_EQ(sum[i], x[i] + y[i]);
      EXPECT_NEAR(scaled[i], x[i] + 0.25 * y[i], 1e-6);
    }
  }
}

TEST_P(VectorKernelsTest, RotationsPairAsNamed) {
  for (const std::size_t half : {1u, 5u, 16u, 32u, 33u}) {
    const std::vector<float> x = random_floats(2 * half, 7), angle = random_floats(half, 8);
    std::vector<float> cosine, sine;
    for (const float a : angle) cosine.push_back(std::cos(a)), sine.push_back(std::sin(a));
    std::vector<float> neighbours = x, halves = x;
    kernels.rotate_interleaved(neighbours.data(), cosine.data(), sine.data(),
                               static_cast<std::int64_t>(half));
    kernels.rotate_half_split(halves.data(), cosine.data(), sine.data(), static_cast<std::int64_t>(half));
    for (std::size_t i = 0; i < half; ++i) {
      EXPECT_NEAR(neighbours[2 * i], x[2 * i] * cosine[i] - x[2 * i + 1] * sine[i], 1e-6);
      EXPECT_NEAR(neighbours[2 * i + 1], x[2 * i] * sine[i] + x[2 * i + 1] * cosine[i], 1e-6);
      EXPECT_NEAR(halves[i], x[i] * cosine[i] - x[i + half] * sine[i], 1e-6);
      EXPECT_NEAR(halves[i + half], x[i] * sine[i] + x[i + half] * cosine[i], 1e-6);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, VectorKernelsTest,
                         testing::ValuesIn(supported_isas().begin(), supported_isas().end()),
                         [](const auto& tested) { return std::string(name(tested.param)); });

}  // namespace
}  // namespace aloud
