// Buffers: where they begin and that they grow.
#include "base/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace aloud {
namespace {

TEST(Buffer, BeginsAtACacheLineAndGrows) {
  Buffer<float> buffer;
  EXPECT_EQ(buffer.data(), nullptr);
  float* const first = buffer.grow(3);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0u);
  first[2] = 1;
  EXPECT_EQ(buffer.grow(2), first);
  EXPECT_EQ(buffer.data()[2], 1);
  float* const second = buffer.grow(1000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second) % 64, 0u);
  second[999] = 2;
  EXPECT_EQ(buffer.grow(1000), second);
  EXPECT_EQ(buffer.data()[999], 2);
}

}  // namespace
}  // namespace aloud
