// Lays out models of known shapes.
#include "weights/random_model.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/printable.h"
#include "kernels/random_blocks.h"
#include "weights/random_vocabulary.h"

namespace aloud {
namespace {

struct Shape {
  std::string_view name;
  std::string_view architecture;
  const char* pre_tokenizer;
  std::uint32_t layers, hidden, heads, kv_heads, feed_forward, vocabulary, context;
  float rope_base;
  bool mixture = false;  // the V3 architecture with the sizes below
};

constexpr Shape kShapes[] = {
    {"r1-distill-qwen-1.5b", "qwen2", "deepseek-r1-qwen", 28, 1536, 12, 2, 8960, 151936, 131072, 10000},
    {"r1-distill-qwen-7b", "qwen2", "deepseek-r1-qwen", 28, 3584, 28, 4, 18944, 152064, 131072, 10000},
    {"r1-distill-llama-8b", "llama", "llama-bpe", 32, 4096, 32, 8, 14336, 128256, 131072, 500000},
    {"r1-mini", "deepseek2", "deepseek-v3", 12, 1024, 16, 1, 4096, 102400, 163840, 10000, true},
};

// r1-mini: DeepSeek-V3 scaled down.
constexpr std::uint32_t kQueryRank = 512, kKvRank = 512, kNope = 128, kRope = 64, kValue = 128;
constexpr std::uint32_t kExperts = 64, kUsedExperts = 6, kExpertInner = 512, kLeadingDense = 1;

constexpr float kMagnitude = 0.02f;
constexpr std::size_t kPieceBytes = 8u << 20;

// What part a matrix plays decides its type in a mix.
enum class Role { kEmbedding, kOutput, kAttentionValue, kFeedForwardDown, kOther };

struct TypeMix {
  std::string_view name;
  DType base;    // of most matrices
  DType better;  // of values and of the way down in the layers where more bits pay
};

constexpr TypeMix kMixes[] = {
    {"Q3_K_M", DType::kQ3_K, DType::kQ5_K},
    {"Q4_K_M", DType::kQ4_K, DType::kQ6_K},
    {"Q5_K_M", DType::kQ5_K, DType::kQ6_K},
};

// The type with small blocks that takes the place of one whose blocks do not divide a row.
DType small_block_type(DType type) {
  switch (type) {
    case DType::kQ4_K:
      return DType::kQ5_0;
    case DType::kQ5_K:
      return DType::kQ5_1;
    case DType::kQ6_K:
      return DType::kQ8_0;
    case DType::kQ3_K:
      return DType::kQ4_0;
    default:
      return DType::kIQ4_NL;
  }
}

// The first and last eighth of the layers and every third between, as in the published mixes.
bool more_bits(std::uint32_t layer, std::uint32_t layers) {
  const std::uint32_t eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

class Builder {
 public:
  Builder(const Shape& shape, const TypeMix& mix, std::uint64_t seed)
      : shape_(shape), mix_(mix), seed_(seed) {}

  GgufWriter build() {
    put_metadata();
    put_random_vocabulary(writer_, shape_.vocabulary, shape_.pre_tokenizer);
    matrix("token_embd.weight", {shape_.hidden, shape_.vocabulary}, Role::kEmbedding, 0);
    ones("output_norm.weight", shape_.hidden);
    matrix("output.weight", {shape_.hidden, shape_.vocabulary}, Role::kOutput, 0);
    if (shape_.architecture == "llama") put_llama3_divisors();
    for (std::uint32_t layer = 0; layer < shape_.layers; ++layer) {
      const std::string prefix = fmt::format("blk.{}.", layer);
      ones(prefix + "attn_norm.weight", shape_.hidden);
      ones(prefix + "ffn_norm.weight", shape_.hidden);
      shape_.mixture ? put_latent_attention(prefix, layer) : put_grouped_attention(prefix, layer);
      const bool experts = shape_.mixture && layer >= kLeadingDense;
      experts ? put_experts(prefix, layer)
              : put_dense(prefix + "ffn_", ".weight", shape_.feed_forward, layer);
    }
    return std::move(writer_);
  }

 private:
  void put_metadata();
  void put_llama3_divisors();
  void put_grouped_attention(const std::string& prefix, std::uint32_t layer);
  void put_latent_attention(const std::string& prefix, std::uint32_t layer);
  void put_experts(const std::string& prefix, std::uint32_t layer);
  void put_dense(const std::string& prefix, const std::string& suffix, std::uint32_t inner,
                 std::uint32_t layer);

  DType type_of(Role role, std::int64_t columns, std::uint32_t layer) const {
    DType type = mix_.base;
    const bool wide = info(type).block_values == 1 || type == DType::kQ8_0;
    if (role == Role::kOutput && !wide) type = DType::kQ6_K;
    if ((role == Role::kAttentionValue || role == Role::kFeedForwardDown) &&
        more_bits(layer, shape_.layers)) {
      type = mix_.better;
    }
    return columns % info(type).block_values == 0 ? type : small_block_type(type);
  }

  void matrix(const std::string& name, std::vector<std::int64_t> lengths, Role role, std::uint32_t layer) {
    random(name, lengths, type_of(role, lengths[0], layer), kMagnitude);
  }

  // Random weights of any type, made piece by piece when they are written.
  void random(const std::string& name, const std::vector<std::int64_t>& lengths, DType type,
              float magnitude) {
    std::int64_t rows = 1;
    for (std::size_t i = 1; i < lengths.size(); ++i) rows *= lengths[i];
    const auto bytes = static_cast<std::size_t>(rows * row_bytes(type, lengths[0]));
    const std::uint64_t seed = seed_ + 0x9E3779B97F4A7C15u * ++tensors_;
    writer_.add_tensor(name, type, lengths, [=](const PutBytes& put) -> Status {
      const auto block = static_cast<std::size_t>(info(type).block_bytes);
      std::vector<std::byte> piece(kPieceBytes / block * block);
      for (std::size_t done = 0; done < bytes; done += piece.size()) {
        const std::span<std::byte> part(piece.data(), std::min(piece.size(), bytes - done));
        random_blocks(type, seed + done, part, magnitude);
        TRY(put(part));
      }
      return {};
    });
  }

  void vector(const std::string& name, std::vector<float> values) {
    const std::int64_t lengths[] = {static_cast<std::int64_t>(values.size())};
    writer_.add_tensor(name, DType::kF32, lengths, [values = std::move(values)](const PutBytes& put) {
      return put(std::as_bytes(std::span(values)));
    });
  }

  void ones(const std::string& name, std::uint32_t n) { vector(name, std::vector<float>(n, 1.0f)); }

  const Shape& shape_;
  const TypeMix& mix_;
  std::uint64_t seed_;
  std::uint64_t tensors_ = 0;
  GgufWriter writer_;
};

void Builder::put_metadata() {
  const std::string prefix = std::string(shape_.architecture) + ".";
  writer_.set("general.architecture", std::string(shape_.architecture));
  writer_.set("general.name", fmt::format("{} with random weights, {}", shape_.name, mix_.name));
  writer_.set(prefix + "context_length", shape_.context);
  writer_.set(prefix + "embedding_length", shape_.hidden);
  writer_.set(prefix + "block_count", shape_.layers);
  writer_.set(prefix + "feed_forward_length", shape_.feed_forward);
  writer_.set(prefix + "attention.head_count", shape_.heads);
  writer_.set(prefix + "attention.head_count_kv", shape_.kv_heads);
  writer_.set(prefix + "attention.layer_norm_rms_epsilon", 1e-6f);
  writer_.set(prefix + "rope.freq_base", shape_.rope_base);
  writer_.set(prefix + "vocab_size", shape_.vocabulary);
  writer_.set(prefix + "rope.dimension_count", shape_.mixture ? kRope : shape_.hidden / shape_.heads);
  if (!shape_.mixture) return;
  writer_.set(prefix + "leading_dense_block_count", kLeadingDense);
  writer_.set(prefix + "attention.q_lora_rank", kQueryRank);
  writer_.set(prefix + "attention.kv_lora_rank", kKvRank);
  writer_.set(prefix + "attention.key_length", kKvRank + kRope);
  writer_.set(prefix + "attention.value_length", kKvRank);
  writer_.set(prefix + "attention.key_length_mla", kNope + kRope);
  writer_.set(prefix + "attention.value_length_mla", kValue);
  writer_.set(prefix + "expert_feed_forward_length", kExpertInner);
  writer_.set(prefix + "expert_count", kExperts);
  writer_.set(prefix + "expert_used_count", kUsedExperts);
  writer_.set(prefix + "expert_shared_count", std::uint32_t{1});
  writer_.set(prefix + "expert_weights_scale", 2.5f);
  writer_.set(prefix + "expert_weights_norm", true);
  writer_.set(prefix + "expert_gating_func", std::uint32_t{2});
  writer_.set(prefix + "expert_group_count", std::uint32_t{8});
  writer_.set(prefix + "expert_group_used_count", std::uint32_t{4});
}

// Llama 3's scaling: slow frequencies are divided by 8, fast ones kept, a ramp between (original context
// 8,192).
void Builder::put_llama3_divisors() {
  constexpr double kFactor = 8, kLow = 1, kHigh = 4, kOriginal = 8192;
  std::vector<float> divisors;
  const std::uint32_t width = shape_.hidden / shape_.heads;
  for (std::uint32_t i = 0; i < width / 2; ++i) {
    const double frequency = std::pow(static_cast<double>(shape_.rope_base), -2.0 * i / width);
    const double turns = kOriginal * frequency / (2 * std::numbers::pi);
    const double ramp = std::clamp((turns - kLow) / (kHigh - kLow), 0.0, 1.0);
    divisors.push_back(static_cast<float>(1 / ((1 - ramp) / kFactor + ramp)));
  }
  vector("rope_freqs.weight", std::move(divisors));
}

void Builder::put_grouped_attention(const std::string& prefix, std::uint32_t layer) {
  const std::int64_t hidden = shape_.hidden, kv = hidden / shape_.heads * shape_.kv_heads;
  matrix(prefix + "attn_q.weight", {hidden, hidden}, Role::kOther, layer);
  matrix(prefix + "attn_k.weight", {hidden, kv}, Role::kOther, layer);
  matrix(prefix + "attn_v.weight", {hidden, kv}, Role::kAttentionValue, layer);
  matrix(prefix + "attn_output.weight", {hidden, hidden}, Role::kOther, layer);
  if (shape_.architecture != "qwen2") return;
  random(prefix + "attn_q.bias", {hidden}, DType::kF32, kMagnitude);
  random(prefix + "attn_k.bias", {kv}, DType::kF32, kMagnitude);
  random(prefix + "attn_v.bias", {kv}, DType::kF32, kMagnitude);
}

void Builder::put_latent_attention(const std::string& prefix, std::uint32_t layer) {
  const std::int64_t hidden = shape_.hidden, heads = shape_.heads;
  matrix(prefix + "attn_q_a.weight", {hidden, kQueryRank}, Role::kOther, layer);
  ones(prefix + "attn_q_a_norm.weight", kQueryRank);
  matrix(prefix + "attn_q_b.weight", {kQueryRank, heads * (kNope + kRope)}, Role::kOther, layer);
  matrix(prefix + "attn_kv_a_mqa.weight", {hidden, kKvRank + kRope}, Role::kOther, layer);
  ones(prefix + "attn_kv_a_norm.weight", kKvRank);
  matrix(prefix + "attn_k_b.weight", {kNope, kKvRank, heads}, Role::kOther, layer);
  matrix(prefix + "attn_v_b.weight", {kKvRank, kValue, heads}, Role::kOther, layer);
  matrix(prefix + "attn_output.weight", {heads * kValue, hidden}, Role::kOther, layer);
}

void Builder::put_dense(const std::string& prefix, const std::string& suffix, std::uint32_t inner,
                        std::uint32_t layer) {
  const std::int64_t hidden = shape_.hidden;
  matrix(prefix + "gate" + suffix, {hidden, inner}, Role::kOther, layer);
  matrix(prefix + "up" + suffix, {hidden, inner}, Role::kOther, layer);
  matrix(prefix + "down" + suffix, {inner, hidden}, Role::kFeedForwardDown, layer);
}

void Builder::put_experts(const std::string& prefix, std::uint32_t layer) {
  const std::int64_t hidden = shape_.hidden;
  random(prefix + "ffn_gate_inp.weight", {hidden, kExperts}, DType::kF32, kMagnitude);
  random(prefix + "exp_probs_b.bias", {kExperts}, DType::kF32, kMagnitude);
  matrix(prefix + "ffn_gate_exps.weight", {hidden, kExpertInner, kExperts}, Role::kOther, layer);
  matrix(prefix + "ffn_up_exps.weight", {hidden, kExpertInner, kExperts}, Role::kOther, layer);
  matrix(prefix + "ffn_down_exps.weight", {kExpertInner, hidden, kExperts}, Role::kFeedForwardDown, layer);
  put_dense(prefix + "ffn_", "_shexp.weight", kExpertInner, layer);
}

}  // namespace

std::vector<std::string_view> known_shapes() {
  std::vector<std::string_view> names;
  for (const Shape& shape : kShapes) names.push_back(shape.name);
  return names;
}

Result<GgufWriter> random_model(std::string_view shape, std::string_view type, std::uint64_t seed) {
  const auto* known =
      std::find_if(std::begin(kShapes), std::end(kShapes), [&](const Shape& s) { return s.name == shape; });
  if (known == std::end(kShapes)) {
    return fail("shape {} is not known, expected one of {}", printable(shape),
                fmt::join(known_shapes(), ", "));
  }
  const auto* mix =
      std::find_if(std::begin(kMixes), std::end(kMixes), [&](const TypeMix& m) { return m.name == type; });
  if (mix != std::end(kMixes)) return Builder(*known, *mix, seed).build();
  const DTypeInfo* pure = find_dtype(type);
  if (pure == nullptr) {
    std::vector<std::string_view> types;
    for (const TypeMix& m : kMixes) types.push_back(m.name);
    for (const DTypeInfo& t : all_dtypes()) types.push_back(t.name);
    return fail("type {} is not known, expected one of {}", printable(type), fmt::join(types, ", "));
  }
  return Builder(*known, {pure->name, pure->type, pure->type}, seed).build();
}

}  // namespace aloud
