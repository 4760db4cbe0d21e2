// Every instruction set's vector kernels against plain double-precision arithmetic.
#include "kernels/vector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "base/check.h"
#include "base/half.h"

namespace aloud {
namespace {

std::vector<float> random_values(std::size_t n, std::uint32_t seed, float spread = 1) {
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
    const std::vector<float> x = random_values(n, 1), weight = random_values(n, 2);
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
    std::vector<float> gate = random_values(n, 3, 4);
    const std::vector<float> up = random_values(n, 4);
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
    const std::vector<float> x = random_values(n, 5), y = random_values(n, 6);
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
    const std::vector<float> x = random_values(2 * half, 7), angle = random_values(half, 8);
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

// A page of one layer and two heads whose second head gets one token; the rest of its bytes stay as they are.
class StoredToken {
 public:
  StoredToken(const VectorKernels& kernels, const KvLayout& layout, std::int64_t token,
              const std::vector<float>& key, const std::vector<float>& value)
      : slot_(layout.slot(page_.data(), 0, 1, token)) {
    CHECK(layout.page_bytes() <= std::ssize(page_));
    page_.fill(kUntouched);
    kernels.store_kv(slot_, key.data(), layout.value_width == 0 ? nullptr : value.data());
  }
  // The key's and the value's number i as the page holds it; both are then taken off the page.
  float key(std::int64_t i) {
    return take(slot_.keys, i * kPageTokens + slot_.token, slot_.key_width * kPageTokens,
                i / kKvGroup * kPageTokens + slot_.token);
  }
  float value(std::int64_t i) {
    return take(slot_.values, slot_.token * slot_.value_stride + i, slot_.value_stride * kPageTokens,
                slot_.token * (slot_.value_stride / kKvGroup) + i / kKvGroup);
  }
  // Bytes that were written and not taken.
  std::int64_t left() const { return std::ssize(page_) - std::count(page_.begin(), page_.end(), kUntouched); }

 private:
  static constexpr std::byte kUntouched{0xA5};

  float take(std::byte* head, std::int64_t index, std::int64_t quants, std::int64_t scale_index) {
    if (slot_.type != DType::kQ8_0) {
      const std::uint16_t bits = take_16_bits(head + index * 2);
      return slot_.type == DType::kF16 ? float_from_half(bits) : float_from_bfloat(bits);
    }
    std::byte* const scale = head + quants + scale_index * 2;
    // All numbers of a group share it.
    if (scale != scale_at_) scale_ = float_from_half(take_16_bits(scale_at_ = scale));
    const auto quant = static_cast<std::int8_t>(head[index]);
    head[index] = kUntouched;
    return scale_ * static_cast<float>(quant);
  }
  static std::uint16_t take_16_bits(std::byte* at) {
    std::uint16_t bits;
    std::memcpy(&bits, at, sizeof bits);
    at[0] = at[1] = kUntouched;
    return bits;
  }

  std::array<std::byte, 1 << 17> page_;
  KvSlot slot_;
  std::byte* scale_at_ = nullptr;
  float scale_ = 0;
};

TEST_P(VectorKernelsTest, StoreKvWritesOneTokenAndNothingElse) {
  for (const DType type : kKvTypes) {
    for (const auto& [key_width, value_width] : {std::pair{64, 96}, {96, 0}, {32, 32}, {20, 13}, {7, 1}}) {
      const KvLayout layout{1, 2, key_width, value_width, type};
      if (!layout.check("", "")) continue;
      std::vector<float> key = random_values(static_cast<std::size_t>(key_width), 1, 3);
      const std::vector<float> value = random_values(static_cast<std::size_t>(value_width), 2, 0.01f);
      key[0] = 0;
      for (const std::int64_t token : {0, 1, 31, 63}) {
        StoredToken stored(kernels, layout, token, key, value);
        const auto expect = [&](float found, const std::vector<float>& all, std::int64_t i) {
          const float exact = all[static_cast<std::size_t>(i)];
          float largest = 0;  // of those that share a scale
          for (std::int64_t j = i / kKvGroup * kKvGroup;
               type == DType::kQ8_0 && j < i / kKvGroup * kKvGroup + kKvGroup; ++j)
            largest = std::max(largest, std::abs(all[static_cast<std::size_t>(j)]));
          const float expected = type == DType::kF16    ? float_from_half(half_from_float(exact))
                                 : type == DType::kBF16 ? float_from_bfloat(bfloat_from_float(exact))
                                                        : exact;
          ASSERT_NEAR(found, expected, largest / 127 * 0.51f)
              << info(type).name << " token " << token << " " << i;
        };
        for (std::int64_t i = 0; i < key_width; ++i) expect(stored.key(i), key, i);
        for (std::int64_t i = 0; i < value_width; ++i) expect(stored.value(i), value, i);
        EXPECT_EQ(stored.left(), 0) << info(type).name << " " << key_width << " " << value_width;
      }
    }
  }
}

// What no scale can say must not become a small number of some kind.
TEST_P(VectorKernelsTest, StoreKvOfExtremes) {
  const KvLayout layout{1, 2, 32, 0, DType::kQ8_0};
  const auto stored = [&](float x) {
    StoredToken token(kernels, layout, 5, std::vector<float>(32, x), {});
    return token.key(31);
  };
  EXPECT_EQ(stored(0), 0);
  EXPECT_EQ(stored(1e-12f), 0);
  EXPECT_NEAR(stored(-6e6f), -6e6f, 1e5f);
  EXPECT_FALSE(std::isfinite(stored(1e9f)));
}

INSTANTIATE_TEST_SUITE_P(Isas, VectorKernelsTest,
                         testing::ValuesIn(supported_isas().begin(), supported_isas().end()),
                         [](const auto& tested) { return std::string(name(tested.param)); });

}  // namespace
}  // namespace aloud
