// Latent attention in its absorbed form against the expanded form, computed plainly in double precision.
#include "models/latent_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <random>

#include "weights/gguf_writer.h"

namespace aloud {
namespace {

using Matrix = std::vector<float>;

// A model file of one latent attention block, in float32, and the block loaded from it.
struct Block {
  LatentAttentionShape shape;
  std::vector<std::byte> bytes;
  Matrix query, query_down, query_norm, query_up, latent, latent_norm, output;
  std::vector<Matrix> keys, values;  // per head: [nope][rank] and [value][rank]

  Block(std::int64_t query_rank, bool joined) {
    shape = {.hidden = 24,
             .heads = 3,
             .query_rank = query_rank,
             .kv_rank = 16,
             .nope_width = 8,
             .rope_width = 4,
             .value_width = 6,
             .scale = 0.3f,
             .epsilon = 1e-6f,
             .layout = {1, 1, 20, 0}};
    std::mt19937 generator(static_cast<std::uint32_t>(query_rank + 1));
    const auto random = [&](std::int64_t n) {
      std::normal_distribution<float> normal(0, 0.5f);
      Matrix matrix(static_cast<std::size_t>(n));
      for (float& value : matrix) value = normal(generator);
      return matrix;
    };
    const std::int64_t head = shape.nope_width + shape.rope_width;
    query = random(shape.heads * head * shape.hidden);
    query_down = random(query_rank * shape.hidden);
    query_norm = random(query_rank);
    query_up = random(shape.heads * head * query_rank);
    latent = random((shape.kv_rank + shape.rope_width) * shape.hidden);
    latent_norm = random(shape.kv_rank);
    output = random(shape.hidden * shape.heads * shape.value_width);
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      keys.push_back(random(shape.nope_width * shape.kv_rank));
      values.push_back(random(shape.value_width * shape.kv_rank));
    }
    write(joined);
  }

  void write(bool joined) {
    GgufWriter writer;
    std::vector<Matrix> made;  // borrowed until the file is written
    made.reserve(3);
    const auto add = [&](const char* name, const Matrix& data, std::vector<std::int64_t> lengths) {
      writer.add_tensor(std::string("blk.0.attn_") + name, DType::kF32, lengths,
                        std::as_bytes(std::span(data)));
    };
    const std::int64_t head = shape.nope_width + shape.rope_width;
    if (shape.query_rank == 0) {
      add("q.weight", query, {shape.hidden, shape.heads * head});
    } else {
      add("q_a.weight", query_down, {shape.hidden, shape.query_rank});
      add("q_a_norm.weight", query_norm, {shape.query_rank});
      add("q_b.weight", query_up, {shape.query_rank, shape.heads * head});
    }
    add("kv_a_mqa.weight", latent, {shape.hidden, shape.kv_rank + shape.rope_width});
    add("kv_a_norm.weight", latent_norm, {shape.kv_rank});
    add("output.weight", output, {shape.heads * shape.value_width, shape.hidden});
    Matrix all, turned, values_only;
    for (std::size_t h = 0; h < keys.size(); ++h) {
      all.insert(all.end(), keys[h].begin(), keys[h].end());
      all.insert(all.end(), values[h].begin(), values[h].end());
      values_only.insert(values_only.end(), values[h].begin(), values[h].end());
      for (std::int64_t c = 0; c < shape.kv_rank; ++c) {
        for (std::int64_t n = 0; n < shape.nope_width; ++n)
          turned.push_back(keys[h][static_cast<std::size_t>(n * shape.kv_rank + c)]);
      }
    }
    made = {std::move(all), std::move(turned), std::move(values_only)};
    if (joined) {
      add("kv_b.weight", made[0], {shape.kv_rank, shape.heads * (shape.nope_width + shape.value_width)});
    } else {
      add("k_b.weight", made[1], {shape.nope_width, shape.kv_rank, shape.heads});
      add("v_b.weight", made[2], {shape.kv_rank, shape.value_width, shape.heads});
    }
    const Status written = writer.write_to([&](std::span<const std::byte> part) -> Status {
      bytes.insert(bytes.end(), part.begin(), part.end());
      return {};
    });
    ASSERT_TRUE(written) << written.error().message;
  }
};

std::vector<double> multiply(const Matrix& matrix, const std::vector<double>& x) {
  std::vector<double> y(matrix.size() / x.size());
  for (std::size_t r = 0; r < y.size(); ++r) {
    for (std::size_t c = 0; c < x.size(); ++c) y[r] += matrix[r * x.size() + c] * x[c];
  }
  return y;
}

std::vector<double> norm(std::vector<double> x, const Matrix& weight) {
  double squares = 0;
  for (const double value : x) squares += value * value;
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] *= weight[i] / std::sqrt(squares / static_cast<double>(x.size()) + 1e-6);
  return x;
}

void rotate(double* x, std::int64_t width, double position) {
  for (std::int64_t i = 0; i < width / 2; ++i) {
    const double angle =
        position * std::pow(10000.0, -2.0 * static_cast<double>(i) / static_cast<double>(width));
    const double a = x[2 * i], b = x[2 * i + 1];
    x[2 * i] = a * std::cos(angle) - b * std::sin(angle);
    x[2 * i + 1] = a * std::sin(angle) + b * std::cos(angle);
  }
}

// Expanded: every token gets full keys and values of every head.
std::vector<std::vector<double>> expanded(const Block& block,
                                          const std::vector<std::vector<double>>& inputs) {
  const LatentAttentionShape& s = block.shape;
  const std::int64_t head = s.nope_width + s.rope_width;
  std::vector<std::vector<double>> outputs, latents, rotated;
  for (std::size_t t = 0; t < inputs.size(); ++t) {
    std::vector<double> both = multiply(block.latent, inputs[t]);
    std::vector<double> shared(both.begin() + s.kv_rank, both.end());
    rotate(shared.data(), s.rope_width, static_cast<double>(t));
    both.resize(static_cast<std::size_t>(s.kv_rank));
    latents.push_back(norm(both, block.latent_norm));
    rotated.push_back(shared);
    std::vector<double> queries =
        s.query_rank == 0
            ? multiply(block.query, inputs[t])
            : multiply(block.query_up, norm(multiply(block.query_down, inputs[t]), block.query_norm));
    std::vector<double> mixed;
    for (std::int64_t h = 0; h < s.heads; ++h) {
      double* query = queries.data() + h * head;
      rotate(query + s.nope_width, s.rope_width, static_cast<double>(t));
      std::vector<double> weights;
      double sum = 0;
      for (std::size_t p = 0; p <= t; ++p) {
        const std::vector<double> key = multiply(block.keys[static_cast<std::size_t>(h)], latents[p]);
        double score = 0;
        for (std::int64_t i = 0; i < s.nope_width; ++i) score += query[i] * key[static_cast<std::size_t>(i)];
        for (std::int64_t i = 0; i < s.rope_width; ++i)
          score += query[s.nope_width + i] * rotated[p][static_cast<std::size_t>(i)];
        weights.push_back(std::exp(score * s.scale));
        sum += weights.back();
      }
      std::vector<double> value(static_cast<std::size_t>(s.value_width));
      for (std::size_t p = 0; p <= t; ++p) {
        const std::vector<double> v = multiply(block.values[static_cast<std::size_t>(h)], latents[p]);
        for (std::size_t i = 0; i < value.size(); ++i) value[i] += weights[p] / sum * v[i];
      }
      mixed.insert(mixed.end(), value.begin(), value.end());
    }
    outputs.push_back(multiply(block.output, mixed));
  }
  return outputs;
}

class LatentAttentionTest : public testing::TestWithParam<std::tuple<std::int64_t, bool>> {};

TEST_P(LatentAttentionTest, AbsorbedEqualsExpanded) {
  const auto& [query_rank, joined] = GetParam();
  const Block block(query_rank, joined);
  const Result<GgufFile> file = GgufFile::from_memory(block.bytes, "test");
  ASSERT_TRUE(file) << file.error().message;
  const auto attention = LatentAttention::load(TensorLoader(*file, PanelStore()), "blk.0.attn_", block.shape);
  ASSERT_TRUE(attention) << attention.error().message;

  constexpr std::int64_t kTokens = 70;  // more than a page
  const LatentAttentionShape& s = block.shape;
  std::mt19937 generator(9);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> x(static_cast<std::size_t>(kTokens * s.hidden)), out(x.size());
  for (float& value : x) value = normal(generator);
  std::vector<std::vector<double>> inputs;
  for (std::int64_t t = 0; t < kTokens; ++t)
    inputs.emplace_back(x.begin() + t * s.hidden, x.begin() + (t + 1) * s.hidden);

  ThreadPool pool(2);
  const Isa isa = supported_isas().front();
  const Compute compute{isa, &pool, &vector_kernels(isa)};
  const Result<Rope> rope =
      Rope::read(file->metadata(), "deepseek2", s.rope_width, RopePairing::kInterleaved);
  ASSERT_TRUE(rope);
  Pass pass;
  for (std::int64_t t = 0; t < kTokens; ++t) pass.positions.push_back(t);
  rope->angles(pass.positions, pass.cosine, pass.sine);
  const KvPage first = make_kv_page(s.layout), second = make_kv_page(s.layout);
  std::byte* const pages[] = {first.get(), second.get()};
  pass.sequences = {{pages, 0, 0, kTokens}};
  Activations activations;
  activations.assign(isa, x.data(), kTokens, s.hidden, s.hidden, InputForms::kValues, pool);
  Scratch scratch;
  (*attention)->run(compute, pass, 0, activations, scratch, out.data());

  const auto expected = expanded(block, inputs);
  double difference = 0, size = 0;
  for (std::int64_t t = 0; t < kTokens; ++t) {
    for (std::int64_t i = 0; i < s.hidden; ++i) {
      const double e = expected[static_cast<std::size_t>(t)][static_cast<std::size_t>(i)];
      const double d = out[static_cast<std::size_t>(t * s.hidden + i)] - e;
      difference += d * d;
      size += e * e;
    }
  }
  EXPECT_LT(std::sqrt(difference / size), 1e-3);  // the cache is float16
}

INSTANTIATE_TEST_SUITE_P(Forms, LatentAttentionTest,
                         testing::Combine(testing::Values<std::int64_t>(0, 12), testing::Bool()));

}  // namespace
}  // namespace aloud
