// Rotary angles: plain, with divisors, interpolated, YaRN.
#include "models/rope.h"

#include <gtest/gtest.h>

#include <cmath>

#include "weights/gguf_writer.h"

namespace aloud {
namespace {

// Keeps the bytes that the metadata views.
struct Parameters {
  std::vector<std::byte> bytes;
  explicit Parameters(const std::vector<std::pair<std::string, MetadataValue>>& entries) {
    GgufWriter writer;
    for (const auto& [key, value] : entries) writer.set(key, value);
    (void)writer.write_to([&](std::span<const std::byte> part) -> Status {
      bytes.insert(bytes.end(), part.begin(), part.end());
      return {};
    });
  }
  Result<Rope> read(std::int64_t width, std::span<const float> divisors = {}) const {
    TRY_ASSIGN(const GgufFile file, GgufFile::from_memory(bytes, "test"));
    return Rope::read(file.metadata(), "m", width, RopePairing::kHalfSplit, divisors);
  }
};

// The angle per position of each pair, found from position 1 (all are below pi).
std::vector<double> frequencies(const Rope& rope, double magnitude = 1) {
  std::vector<float> cosine, sine;
  const std::int64_t positions[] = {1};
  rope.angles(positions, cosine, sine);
  std::vector<double> result;
  for (std::size_t i = 0; i < sine.size(); ++i) {
    result.push_back(std::atan2(sine[i], cosine[i]));
    EXPECT_NEAR(std::hypot(sine[i], cosine[i]), magnitude, 1e-5);
  }
  return result;
}

TEST(Rope, PlainFrequencies) {
  const auto rope = Parameters({{"m.rope.freq_base", 500000.0f}}).read(8);
  ASSERT_TRUE(rope);
  const auto found = frequencies(*rope);
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_NEAR(found[i], std::pow(500000.0, -static_cast<double>(i) / 4), 1e-6);
}

TEST(Rope, DivisorsDivide) {
  const float divisors[] = {1, 2, 4, 8};
  const auto rope = Parameters({}).read(8, divisors);
  ASSERT_TRUE(rope);
  const auto found = frequencies(*rope);
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_NEAR(found[i], std::pow(10000.0, -static_cast<double>(i) / 4) / divisors[i], 1e-6);
  }
}

TEST(Rope, LinearScaling) {
  const auto rope =
      Parameters({{"m.rope.scaling.type", std::string("linear")}, {"m.rope.scaling.factor", 4.0f}}).read(4);
  ASSERT_TRUE(rope);
  EXPECT_NEAR(frequencies(*rope)[0], 0.25, 1e-6);
  EXPECT_EQ(rope->yarn_factor(), 1);
}

TEST(Rope, YarnKeepsFastAndInterpolatesSlowPairs) {
  const auto rope = Parameters({{"m.rope.scaling.type", std::string("yarn")},
                                {"m.rope.scaling.factor", 40.0f},
                                {"m.rope.scaling.original_context_length", std::uint32_t{4096}}})
                        .read(64);
  ASSERT_TRUE(rope);
  EXPECT_EQ(rope->yarn_factor(), 40);
  const auto found = frequencies(*rope, 1 + 0.1 * std::log(40.0));
  EXPECT_NEAR(found[0], 1, 1e-5);
  // DeepSeek's own numbers: the ramp runs from pair 10 to pair 23.
  EXPECT_NEAR(found[10], std::pow(10000.0, -10.0 / 32), 1e-6);
  EXPECT_LT(found[11], std::pow(10000.0, -11.0 / 32) * 0.99);
  EXPECT_NEAR(found[23], std::pow(10000.0, -23.0 / 32) / 40, 1e-7);
  EXPECT_NEAR(found[31], std::pow(10000.0, -31.0 / 32) / 40, 1e-7);
}

TEST(Rope, RefusesWhatItDoesNotKnow) {
  const auto unknown = Parameters({{"m.rope.scaling.type", std::string("longrope")}}).read(8);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("longrope"), std::string::npos);
  EXPECT_FALSE(Parameters({}).read(7));
  EXPECT_FALSE(Parameters({{"m.rope.freq_base", 0.0f}}).read(8));
}

}  // namespace
}  // namespace aloud
