// random_blocks: every type's weights are finite, about as large as asked for, and the same again for the
// same seed.
#include "kernels/random_blocks.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/format.h"

namespace aloud {
namespace {

TEST(RandomBlocks, HaveTheMagnitudeAskedFor) {
  constexpr std::int64_t kValues = 1 << 16;
  for (const DTypeInfo& type : all_dtypes()) {
    for (const float magnitude : {0.02f, 1.0f}) {
      std::vector<std::byte> blocks(row_bytes(type.type, kValues));
      random_blocks(type.type, 3, blocks, magnitude);
      std::vector<float> values(kValues);
      dequantize(type.type, blocks.data(), values);
      double sum = 0, squares = 0;
      for (const float value : values) {
        ASSERT_TRUE(std::isfinite(value)) << type.name;
        sum += value;
        squares += double{value} * value;
      }
      const double deviation = std::sqrt(squares / kValues);
      // MXFP4's scales are powers of two.
      EXPECT_GT(deviation, 0.45 * magnitude) << type.name;
      EXPECT_LT(deviation, 1.4 * magnitude) << type.name;
      EXPECT_LT(std::abs(sum / kValues), 0.2 * magnitude) << type.name;
    }
  }
}

TEST(RandomBlocks, FollowTheSeed) {
  for (const DTypeInfo& type : all_dtypes()) {
    std::vector<std::byte> first(row_bytes(type.type, 1024)), again(first.size()), other(first.size());
    random_blocks(type.type, 3, first, 0.02f);
    random_blocks(type.type, 3, again, 0.02f);
    random_blocks(type.type, 4, other, 0.02f);
    EXPECT_EQ(first, again) << type.name;
    EXPECT_NE(first, other) << type.name;
  }
}

}  // namespace
}  // namespace aloud
