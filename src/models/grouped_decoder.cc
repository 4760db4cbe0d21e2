// Puts grouped-query layers together.
#include "models/grouped_decoder.h"

#include "models/feed_forward.h"

namespace aloud {

Result<DecoderParts> load_grouped_decoder(const TensorLoader& tensors, const DecoderShape& shape,
                                          const GroupedDecoderTraits& traits) {
  const Metadata& metadata = tensors.file().metadata();
  const std::string prefix = shape.architecture + ".";
  if (metadata.integer(prefix + "expert_count").value_or(0) > 0) {
    return fail("{}expert_count is {}: experts are not supported in this architecture", prefix,
                metadata.integer(prefix + "expert_count").value_or(0));
  }
  GroupedAttentionShape attention;
  attention.hidden = shape.hidden;
  attention.heads = shape.heads;
  attention.kv_heads = shape.kv_heads;
  attention.key_width =
      metadata.integer(prefix + "attention.key_length").value_or(shape.hidden / shape.heads);
  attention.value_width =
      metadata.integer(prefix + "attention.value_length").value_or(shape.hidden / shape.heads);
  attention.rope_width = metadata.integer(prefix + "rope.dimension_count").value_or(attention.key_width);
  attention.pairing = traits.pairing;
  attention.head_norm = traits.head_norm;
  attention.epsilon = shape.epsilon;
  for (const auto& [name, width] : {std::pair{"attention.key_length", attention.key_width},
                                    std::pair{"attention.value_length", attention.value_width}}) {
    if (width < 1 || width > 1 << 16) return fail("{}{} is {}, expected 1 to 65536", prefix, name, width);
  }
  if (attention.rope_width < 2 || attention.rope_width > attention.key_width) {
    return fail("{}rope.dimension_count is {}, expected 2 to {}", prefix, attention.rope_width,
                attention.key_width);
  }

  TRY_ASSIGN(const std::vector<float> divisors,
             tensors.optional_vector("rope_freqs.weight", attention.rope_width / 2));
  DecoderParts parts;
  parts.shape = shape;
  TRY_ASSIGN(parts.rope,
             Rope::read(metadata, shape.architecture, attention.rope_width, traits.pairing, divisors));
  parts.kv = {shape.layers, shape.kv_heads, attention.key_width, attention.value_width, shape.kv_type};
  attention.layout = parts.kv;
  for (std::int64_t i = 0; i < shape.layers; ++i) {
    DecoderLayer layer;
    TRY_ASSIGN(layer.attention, GroupedAttention::load(tensors, fmt::format("blk.{}.attn_", i), attention));
    TRY_ASSIGN(layer.feed_forward, DenseFeedForward::load(tensors, fmt::format("blk.{}.ffn_", i), ".weight",
                                                          shape.hidden, shape.feed_forward));
    parts.layers.push_back(std::move(layer));
  }
  return parts;
}

}  // namespace aloud
