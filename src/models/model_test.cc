// Whole models: conformance with independent logits, and independence of chunks, neighbours and threads.
#include "models/model.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

#include "models/model_testing.h"
#include "weights/gguf_writer.h"

namespace aloud {
namespace {

// The tokens of the reference logits.
std::vector<std::int32_t> reference_tokens() {
  std::vector<std::int32_t> tokens;
  for (std::int32_t token = 3; token <= 158; token += 5) tokens.push_back(token);
  return tokens;
}

std::vector<float> read_floats(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

// Logits of all positions, in steps of `chunk` tokens.
std::vector<float> all_logits(Loaded& loaded, std::span<const std::int32_t> tokens, std::size_t chunk,
                              TokenRole role = TokenRole::kPrompt) {
  Timeline timeline(loaded.model->shape().kv, static_cast<std::int64_t>(tokens.size()));
  const auto width = static_cast<std::size_t>(loaded.vocabulary());
  std::vector<float> logits(tokens.size() * width);
  for (std::size_t start = 0; start < tokens.size(); start += chunk) {
    const auto part = tokens.subspan(start, std::min(chunk, tokens.size() - start));
    const SequenceStep step[] = {{timeline.view(), part, role, Logits::kAll}};
    EXPECT_TRUE(loaded.model->forward(step, logits.data() + start * width));
    timeline.length += static_cast<std::int64_t>(part.size());
  }
  return logits;
}

double relative_error(std::span<const float> found, std::span<const float> expected) {
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference +=
        (static_cast<double>(found[i]) - expected[i]) * (static_cast<double>(found[i]) - expected[i]);
    size += static_cast<double>(expected[i]) * expected[i];
  }
  return std::sqrt(difference / size);
}

struct Reference {
  const char* name;
  double tolerance;  // relative L2 error over the file
};

constexpr Reference kReferences[] = {
    {"llama-F16", 2e-3},        {"qwen2-F16", 2e-3},    {"qwen3-F16", 2e-3},    {"deepseek3-F16", 2e-3},
    {"deepseek3old-F16", 2e-3}, {"qwen2-BF16", 5e-3},   {"llama-Q4_K_M", 0.04}, {"qwen2-Q8_0", 0.04},
    {"qwen2-Q6_K", 0.04},       {"qwen2-IQ4_XS", 0.04}, {"qwen3-Q4_K_M", 0.04}, {"deepseek2-Q8_0", 0.04},
    {"deepseek3-MXFP4", 0.04},
};

class Conformance : public testing::TestWithParam<Isa> {};

TEST_P(Conformance, LogitsOfIndependentPrograms) {
  const std::vector<std::int32_t> tokens = reference_tokens();
  for (const Reference& reference : kReferences) {
    Loaded loaded(std::string(reference.name) + ".gguf", GetParam(), 2);
    const std::vector<float> expected = read_floats(data_path(std::string(reference.name) + ".logits.f32"));
    ASSERT_EQ(expected.size(), tokens.size() * static_cast<std::size_t>(loaded.vocabulary()))
        << reference.name;
    for (const TokenRole role : {TokenRole::kPrompt, TokenRole::kGenerated}) {
      EXPECT_LE(relative_error(all_logits(loaded, tokens, tokens.size(), role), expected),
                reference.tolerance)
          << reference.name << (role == TokenRole::kPrompt ? ", prompt" : ", generated");
    }
  }
}

// The bits of the logits are the same token by token, in odd chunks, at once, and with another number of
// threads; of a prompt and, where that is another computation, of what was generated.
TEST_P(Conformance, DoesNotDependOnChunksOrThreads) {
  std::vector<std::int32_t> tokens;
  // Scalar code takes minutes under sanitizers for what the others do in seconds.
  const std::int32_t count = GetParam() == Isa::kScalar ? 20 : 150;
  for (std::int32_t i = 0; i < count; ++i) tokens.push_back((7 * i * i + 3 * i + 1) % 157 + 3);
  const auto compare = [&](const std::string& name, TokenRole role, std::span<const std::size_t> chunks) {
    Loaded one(name + ".gguf", GetParam(), 1), three(name + ".gguf", GetParam(), 3);
    const std::vector<float> whole = all_logits(three, tokens, tokens.size(), role);
    for (const std::size_t chunk : chunks) {
      EXPECT_EQ(all_logits(chunk == 1 ? one : three, tokens, chunk, role), whole)
          << name << " in chunks of " << chunk;
    }
  };
  constexpr std::size_t kChunks[] = {1, 7, 64};
  for (const char* name : {"qwen2-Q4_K_M", "qwen3-Q8_0", "llama-F16", "deepseek3-MXFP4"})
    compare(name, TokenRole::kPrompt, std::span(kChunks).first(2));
  compare("deepseek3-Q4_K_M", TokenRole::kPrompt, kChunks);
  compare("deepseek3-Q4_K_M", TokenRole::kGenerated, std::span(kChunks).first(2));
}

// Prompts that come in chunks beside tokens that are generated: each gets the logits that it gets alone.
TEST_P(Conformance, DoesNotDependOnOtherSequences) {
  for (const char* name : {"qwen2-Q4_K_M", "deepseek3-Q4_K_M", "deepseek3old-F16"}) {
    Loaded loaded(std::string(name) + ".gguf", GetParam(), 2);
    const auto width = static_cast<std::size_t>(loaded.vocabulary());
    const std::vector<std::int32_t> first{5, 6, 7, 8, 9}, second{100, 50}, next{42};
    std::vector<std::int32_t> third;
    for (std::int32_t i = 0; i < 70; ++i) third.push_back(3 + i * 11 % 150);
    const auto step = [&](const Timeline& timeline, std::span<const std::int32_t> tokens, TokenRole role) {
      return SequenceStep{timeline.view(), tokens, role, Logits::kLast};
    };
    // The last prompt's logits and those of the token after it.
    const auto alone = [&](std::span<const std::int32_t> prompt) {
      Timeline timeline(loaded.model->shape().kv, 128);
      std::vector<float> logits(2 * width);
      const SequenceStep prefill[] = {step(timeline, prompt, TokenRole::kPrompt)};
      EXPECT_TRUE(loaded.model->forward(prefill, logits.data()));
      timeline.length = static_cast<std::int64_t>(prompt.size());
      const SequenceStep decode[] = {step(timeline, next, TokenRole::kGenerated)};
      EXPECT_TRUE(loaded.model->forward(decode, logits.data() + width));
      return logits;
    };
    const std::vector<float> a_alone = alone(first), b_alone = alone(second), c_alone = alone(third);
    const auto expect_row = [&](const std::vector<float>& logits, std::size_t row,
                                const std::vector<float>& expected, std::size_t expected_row) {
      const auto at = [&](const std::vector<float>& all, std::size_t r) {
        return std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(r * width),
                                  all.begin() + static_cast<std::ptrdiff_t>((r + 1) * width));
      };
      EXPECT_EQ(at(logits, row), at(expected, expected_row)) << name << " row " << row;
    };

    const KvLayout& layout = loaded.model->shape().kv;
    Timeline a(layout, 128), b(layout, 128), c(layout, 128);
    std::vector<float> logits(3 * width);
    const std::span<const std::int32_t> parts(third);
    const SequenceStep prompts[] = {step(b, second, TokenRole::kPrompt), step(a, first, TokenRole::kPrompt),
                                    step(c, parts.first(33), TokenRole::kPrompt)};
    EXPECT_TRUE(loaded.model->forward(prompts, logits.data()));
    expect_row(logits, 0, b_alone, 0);
    expect_row(logits, 1, a_alone, 0);
    a.length = 5, b.length = 2, c.length = 33;
    const SequenceStep mixed[] = {step(b, next, TokenRole::kGenerated), step(a, next, TokenRole::kGenerated),
                                  step(c, parts.subspan(33), TokenRole::kPrompt)};
    EXPECT_TRUE(loaded.model->forward(mixed, logits.data()));
    expect_row(logits, 0, b_alone, 1);
    expect_row(logits, 1, a_alone, 1);
    expect_row(logits, 2, c_alone, 0);
  }
}

TEST_P(Conformance, APassThatWasStoppedCanBeRepeated) {
  Loaded loaded("deepseek3-Q4_K_M.gguf", GetParam(), 2);
  const auto width = static_cast<std::size_t>(loaded.vocabulary());
  const std::vector<std::int32_t> prompt{5, 6, 7, 8, 9};
  const auto logits_of = [&](bool is_stopped_first) {
    Timeline timeline(loaded.model->shape().kv, 128);
    std::vector<float> logits(width, -1);
    const SequenceStep step[] = {{timeline.view(), prompt}};
    std::atomic<bool> stop = true;
    if (is_stopped_first) {
      EXPECT_TRUE(loaded.model->forward(step, logits.data(), &stop));
      EXPECT_EQ(logits, std::vector<float>(width, -1));
    }
    stop = false;
    EXPECT_TRUE(loaded.model->forward(step, logits.data(), &stop));
    return logits;
  };
  EXPECT_EQ(logits_of(true), logits_of(false));
}

INSTANTIATE_TEST_SUITE_P(Isas, Conformance,
                         testing::ValuesIn(supported_isas().begin(), supported_isas().end()),
                         [](const auto& tested) { return std::string(name(tested.param)); });

// A copy of a reference file with changes, and what loading it says.
std::string load_changed(const std::string& name,
                         const std::vector<std::pair<std::string, MetadataValue>>& entries,
                         const std::string& without, const std::string& reshaped,
                         DType kv_type = DType::kF16) {
  const auto file = GgufFile::open(data_path(name));
  if (!file) return file.error().message;
  GgufWriter writer;
  for (const MetadataEntry& entry : file->metadata().entries()) writer.set(entry.key, metadata_value(entry));
  for (const auto& [key, value] : entries) writer.set(key, value);
  for (const Tensor& tensor : file->tensors()) {
    if (tensor.name == without) continue;
    std::vector<std::int64_t> lengths(tensor.shape.begin(), tensor.shape.begin() + tensor.dimensions);
    if (tensor.name == reshaped) std::swap(lengths.at(0), lengths.at(1));
    writer.add_tensor(tensor.name, tensor.type, lengths, tensor.bytes);
  }
  std::vector<std::byte> bytes;
  const Status written = writer.write_to([&](std::span<const std::byte> part) -> Status {
    bytes.insert(bytes.end(), part.begin(), part.end());
    return {};
  });
  if (!written) return written.error().message;
  const auto changed = GgufFile::from_memory(bytes, "changed.gguf");
  if (!changed) return changed.error().message;
  ThreadPool pool(1);
  const auto model = load_model(*changed, PanelStore(), Isa::kScalar, pool, kv_type);
  return model ? "" : model.error().message;
}

TEST(LoadModel, NamesWhatIsWrong) {
  const std::string good = "qwen2-F16.gguf";
  EXPECT_EQ(load_changed(good, {}, "", ""), "");
  EXPECT_EQ(
      load_changed(good, {{"general.architecture", std::string("gpt\x1b")}}, "", ""),
      "changed.gguf: architecture gpt\\x1b is not supported, expected one of llama, qwen2, qwen3, deepseek2");
  EXPECT_EQ(load_changed(good, {}, "blk.1.ffn_up.weight", ""),
            "changed.gguf: tensor blk.1.ffn_up.weight is missing");
  EXPECT_EQ(load_changed(good, {}, "", "blk.0.attn_k.weight"),
            "changed.gguf: tensor blk.0.attn_k.weight has shape [64, 256], expected [256, 64]");
  for (const auto& [key, value] : std::vector<std::pair<std::string, MetadataValue>>{
           {"qwen2.block_count", std::uint32_t{0}},
           {"qwen2.block_count", std::string("two")},
           {"qwen2.attention.head_count_kv", std::uint32_t{3}},
           {"qwen2.attention.head_count", std::uint32_t{0}},
           {"qwen2.embedding_length", std::uint32_t{0xFFFFFFFF}},
           {"qwen2.rope.dimension_count", std::uint32_t{31}},
           {"qwen2.attention.layer_norm_rms_epsilon", -1.0f},
           {"qwen2.rope.scaling.type", std::string("magic")}}) {
    const std::string message = load_changed(good, {{key, value}}, "", "");
    EXPECT_NE(message.find(key), std::string::npos) << key << ": " << message;
  }
  for (const auto& [key, value] : std::vector<std::pair<std::string, MetadataValue>>{
           {"deepseek2.expert_count", std::uint32_t{0}},
           {"deepseek2.expert_used_count", std::uint32_t{9}},
           {"deepseek2.expert_group_count", std::uint32_t{3}},
           {"deepseek2.expert_group_used_count", std::uint32_t{5}},
           {"deepseek2.expert_gating_func", std::uint32_t{7}},
           {"deepseek2.attention.kv_lora_rank", std::uint32_t{0}},
           {"deepseek2.nextn_predict_layers", std::uint32_t{2}}}) {
    const std::string message = load_changed("deepseek3-Q4_K_M.gguf", {{key, value}}, "", "");
    EXPECT_NE(message.find(key), std::string::npos) << key << ": " << message;
  }
}

// The cache's type divides the widths that the file gives.
TEST(LoadModel, ChecksTheTypeOfTheCache) {
  EXPECT_EQ(load_changed("qwen2-F16.gguf", {}, "", "", DType::kQ8_0), "");
  EXPECT_EQ(load_changed("deepseek3-F16.gguf", {}, "", "", DType::kQ8_0), "");
  EXPECT_NE(load_changed("qwen2-F16.gguf", {{"qwen2.attention.value_length", std::uint32_t{72}}}, "", "",
                         DType::kQ8_0)
                .find("qwen2.attention.value_length is 72"),
            std::string::npos);
  EXPECT_NE(load_changed("deepseek3-F16.gguf", {{"deepseek2.attention.kv_lora_rank", std::uint32_t{72}}}, "",
                         "", DType::kQ8_0)
                .find("deepseek2.attention.kv_lora_rank"),
            std::string::npos);
}

}  // namespace
}  // namespace aloud
