// DeepSeek-V2, V2-Lite, V3 and R1: latent attention, leading dense layers, then mixtures of experts.
#include <cmath>

#include "models/decoder.h"
#include "models/latent_attention.h"
#include "models/mixture.h"

namespace aloud {
namespace {

Result<LatentAttentionShape> read_attention(const GgufFile& file, const DecoderShape& shape, Rope& rope) {
  const Metadata& metadata = file.metadata();
  const std::string prefix = shape.architecture + ".";
  LatentAttentionShape attention;
  attention.hidden = shape.hidden;
  attention.heads = shape.heads;
  attention.epsilon = shape.epsilon;
  constexpr std::int64_t kMaxWidth = 1 << 16;
  if (metadata.find(prefix + "attention.q_lora_rank") != nullptr) {
    TRY_ASSIGN(attention.query_rank,
               metadata.require_integer(prefix + "attention.q_lora_rank", 0, kMaxWidth));
  }
  TRY_ASSIGN(attention.kv_rank, metadata.require_integer(prefix + "attention.kv_lora_rank", 1, kMaxWidth));
  TRY_ASSIGN(attention.rope_width, metadata.require_integer(prefix + "rope.dimension_count", 2, kMaxWidth));
  // New files give the compressed lengths as key_length and those of a head as *_mla; old ones only those of
  // a head.
  const bool split = metadata.find(prefix + "attention.key_length_mla") != nullptr;
  const std::string suffix = split ? "_length_mla" : "_length";
  TRY_ASSIGN(const std::int64_t key_width, metadata.require_integer(prefix + "attention.key" + suffix,
                                                                    attention.rope_width + 1, kMaxWidth));
  TRY_ASSIGN(attention.value_width,
             metadata.require_integer(prefix + "attention.value" + suffix, 1, kMaxWidth));
  attention.nope_width = key_width - attention.rope_width;

  TRY_ASSIGN(rope, Rope::read(metadata, shape.architecture, attention.rope_width, RopePairing::kInterleaved));
  double scale = 1 / std::sqrt(static_cast<double>(key_width));
  if (rope.yarn_factor() != 1) {
    // DeepSeek puts YaRN's temperature into the scores, not into the angles: yarn_log_multiplier is 0.1
    // mscale_all_dim.
    const double multiplier = metadata.real(prefix + "rope.scaling.yarn_log_multiplier").value_or(0);
    const double temperature = 1 + multiplier * std::log(rope.yarn_factor());
    scale *= temperature * temperature;
    rope.set_magnitude(1);
  }
  attention.scale = static_cast<float>(scale);
  attention.layout = {shape.layers, 1, attention.kv_rank + attention.rope_width, 0, shape.kv_type};
  const std::string width = fmt::format("{0}attention.kv_lora_rank + {0}rope.dimension_count", prefix);
  TRY(attention.layout.check(width, ""));
  return attention;
}

struct MixtureShape {
  RouterShape router;
  std::int64_t inner = 0;
  std::int64_t shared = 0;
};

Result<MixtureShape> read_mixture(const Metadata& metadata, const DecoderShape& shape) {
  const std::string prefix = shape.architecture + ".";
  MixtureShape mixture;
  RouterShape& router = mixture.router;
  TRY_ASSIGN(router.experts, metadata.require_integer(prefix + "expert_count", 1, 1 << 16));
  TRY_ASSIGN(router.used, metadata.require_integer(prefix + "expert_used_count", 1, router.experts));
  TRY_ASSIGN(mixture.inner, metadata.require_integer(prefix + "expert_feed_forward_length", 1, 1 << 24));
  mixture.shared = metadata.integer(prefix + "expert_shared_count").value_or(0);
  if (mixture.shared < 0 || mixture.shared > 1 << 10) {
    return fail("{}expert_shared_count is {}, expected 0 to 1024", prefix, mixture.shared);
  }
  router.normalise = metadata.boolean(prefix + "expert_weights_norm").value_or(false);
  router.scale = static_cast<float>(metadata.real(prefix + "expert_weights_scale").value_or(1));
  // 0 in files means: unset.
  if (router.scale == 0) router.scale = 1;
  const std::int64_t gating = metadata.integer(prefix + "expert_gating_func").value_or(1);
  if (gating != 0 && gating != 1 && gating != 2) {
    return fail("{}expert_gating_func is {}, expected 1 (softmax) or 2 (sigmoid)", prefix, gating);
  }
  router.gating = gating == 2 ? Gating::kSigmoid : Gating::kSoftmax;
  // V3 and R1 files from before these keys have 256 experts in 8 groups.
  const bool old_v3 = router.experts == 256 && router.gating == Gating::kSigmoid;
  router.groups = metadata.integer(prefix + "expert_group_count").value_or(old_v3 ? 8 : 1);
  router.used_groups =
      metadata.integer(prefix + "expert_group_used_count").value_or(old_v3 ? 4 : router.groups);
  if (router.groups == 0) router.groups = router.used_groups = 1;
  if (router.groups < 1 || router.experts % router.groups != 0) {
    return fail("{}expert_group_count is {}, expected a divisor of the {} experts", prefix, router.groups,
                router.experts);
  }
  if (router.used_groups < 1 || router.used_groups > router.groups ||
      router.experts / router.groups * router.used_groups < router.used) {
    return fail("{}expert_group_used_count is {}, too few or too many of {} groups for {} experts", prefix,
                router.used_groups, router.groups, router.used);
  }
  return mixture;
}

}  // namespace

Result<DecoderParts> load_deepseek2(const TensorLoader& tensors, const DecoderShape& given) {
  const Metadata& metadata = tensors.file().metadata();
  DecoderParts parts;
  parts.shape = given;
  DecoderShape& shape = parts.shape;
  // Layers that only predict tokens further ahead come last and are not part of the chain.
  const std::int64_t predictors = metadata.integer(shape.architecture + ".nextn_predict_layers").value_or(0);
  if (predictors < 0 || predictors >= shape.layers) {
    return fail("{}.nextn_predict_layers is {}, expected fewer than the {} layers", shape.architecture,
                predictors, shape.layers);
  }
  shape.layers -= predictors;

  TRY_ASSIGN(const LatentAttentionShape attention, read_attention(tensors.file(), shape, parts.rope));
  MixtureShape mixture;
  const std::int64_t dense = metadata.integer(shape.architecture + ".leading_dense_block_count").value_or(0);
  if (dense < shape.layers) {
    TRY_ASSIGN(mixture, read_mixture(metadata, shape));
  }
  parts.kv = attention.layout;
  parts.roles_matter = true;  // latent attention has two forms
  for (std::int64_t i = 0; i < shape.layers; ++i) {
    DecoderLayer layer;
    const std::string prefix = fmt::format("blk.{}.", i);
    TRY_ASSIGN(layer.attention, LatentAttention::load(tensors, prefix + "attn_", attention));
    if (i < dense) {
      TRY_ASSIGN(layer.feed_forward,
                 DenseFeedForward::load(tensors, prefix + "ffn_", shape.hidden, shape.feed_forward));
    } else {
      TRY_ASSIGN(layer.feed_forward,
                 Mixture::load(tensors, prefix, mixture.router, shape.hidden, mixture.inner, mixture.shared));
    }
    parts.layers.push_back(std::move(layer));
  }
  return parts;
}

}  // namespace aloud
