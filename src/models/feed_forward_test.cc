// SwiGLU over several groups at once: the same bits as vector by vector.
#include "models/feed_forward.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "kernels/activations_testing.h"

namespace aloud {
namespace {

std::vector<float> random_floats(std::int64_t n, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(static_cast<std::size_t>(n));
  for (float& value : values) value = normal(generator);
  return values;
}

TEST(Activate, CutsLongVectorsAndKeepsTheBits) {
  struct Shape {
    std::int64_t count, inner;
    InputForms forms;
  };
  // Shorter and longer than a part, in multiples of 256 and not, and none at all.
  const Shape shapes[] = {{3, 96, InputForms::kFine},
                          {0, 512, InputForms::kCoarse},
                          {2, 9216, InputForms::kCoarse | InputForms::kValues},
                          {5, 4128, InputForms::kFine | InputForms::kValues}};
  for (const Isa isa : supported_isas()) {
    ThreadPool pool(3), alone(1);
    const Compute compute{isa, &pool, &vector_kernels(isa)};
    std::vector<std::vector<float>> gates, ups;
    std::vector<Activations> found(std::size(shapes));
    std::vector<GatedVectors> groups;
    for (const Shape& shape : shapes) {
      gates.push_back(random_floats(shape.count * shape.inner, 1));
      ups.push_back(random_floats(shape.count * shape.inner, 2));
    }
    const std::vector<std::vector<float>> inputs = gates;
    for (std::size_t i = 0; i < found.size(); ++i) {
      groups.push_back(
          {gates[i].data(), ups[i].data(), shapes[i].count, shapes[i].inner, shapes[i].forms, &found[i]});
    }
    Buffer<float> workers;
    activate(compute, groups, workers);
    for (std::size_t i = 0; i < found.size(); ++i) {
      const auto& [count, inner, forms] = shapes[i];
      std::vector<float> products(inputs[i].size());
      compute.vector->swiglu(inputs[i].data(), ups[i].data(), count * inner, products.data());
      Activations expected;
      expected.assign(isa, products.data(), count, inner, inner, forms, alone);
      ASSERT_EQ(found[i].count(), count);
      const auto bytes = static_cast<std::size_t>(count * inner);
      if (contains(forms, InputForms::kValues)) {
        EXPECT_EQ(std::memcmp(found[i].values(0), expected.values(0), bytes * sizeof(float)), 0);
      }
      if (contains(forms, InputForms::kFine)) {
        EXPECT_EQ(std::memcmp(found[i].fine(0), expected.fine(0), bytes / 32 * sizeof(FineBlock)), 0);
      }
      if (contains(forms, InputForms::kCoarse) && count > 0) {
        for (std::int64_t v = 0; v < count; ++v) {
          for (std::int64_t b = 0; b < inner / CoarseBlock::kValues; ++b)
            EXPECT_TRUE(same_bits(*found[i].coarse(v, b), *expected.coarse(v, b)));
        }
      }
    }
  }
}

}  // namespace
}  // namespace aloud
