// The absorbed form of latent attention: queries go to where the latents are.
#include <cstring>

#include "models/latent_attention.h"

namespace aloud {

AttentionShape LatentAttention::absorbed_shape() const {
  return {shape_.layout, shape_.heads, shape_.kv_rank, shape_.scale};
}

// Vector t * heads + h belongs to token t and head h. absorbed: [tokens][heads][kv_rank + rope]: the first
// part of a query taken through its head's matrix, the second as it is.
void LatentAttention::absorb(const Compute& compute, std::int64_t tokens, const float* queries,
                             Scratch& scratch, float* absorbed) const {
  const std::int64_t heads = shape_.heads, width = shape_.kv_rank + shape_.rope_width;
  compute.each(tokens, heads * shape_.rope_width, [&](std::int64_t token, int) {
    for (std::int64_t v = token * heads; v < (token + 1) * heads; ++v) {
      std::memcpy(absorbed + v * width + shape_.kv_rank, queries + v * query_width() + shape_.nope_width,
                  static_cast<std::size_t>(shape_.rope_width) * sizeof(float));
    }
  });
  scratch.inner.assign(compute.isa, queries, tokens * heads, shape_.nope_width, query_width(),
                       input_form(key_absorb_[0].type), *compute.pool);
  std::vector<MatmulJob> jobs;
  for (std::int64_t h = 0; h < heads; ++h) {
    jobs.push_back({key_absorb_[static_cast<std::size_t>(h)], &scratch.inner,
                    scratch.indices.data() + h * tokens, tokens, absorbed + h * width, heads * width});
  }
  matmul(compute.isa, jobs, *compute.pool);
}

// values: [tokens][heads][value_width] from mixed: [tokens][heads][kv_rank].
void LatentAttention::bring_back(const Compute& compute, std::int64_t tokens, const float* mixed,
                                 Scratch& scratch, float* values) const {
  const std::int64_t heads = shape_.heads;
  scratch.inner.assign(compute.isa, mixed, tokens * heads, shape_.kv_rank, shape_.kv_rank,
                       input_form(value_expand_[0].type), *compute.pool);
  std::vector<MatmulJob> jobs;
  for (std::int64_t h = 0; h < heads; ++h) {
    jobs.push_back({value_expand_[static_cast<std::size_t>(h)], &scratch.inner,
                    scratch.indices.data() + h * tokens, tokens, values + h * shape_.value_width,
                    heads * shape_.value_width});
  }
  matmul(compute.isa, jobs, *compute.pool);
}

void LatentAttention::attend_absorbed(const Compute& compute, const Pass& pass, std::int64_t layer,
                                      const float* queries, Scratch& scratch, float* values) const {
  const std::span<const PassSequence> sequences = pass.sequences_of(TokenRole::kGenerated);
  if (sequences.empty()) return;
  const std::int64_t tokens = sequences.back().first_token + sequences.back().tokens;
  const std::int64_t heads = shape_.heads, key_width = shape_.kv_rank + shape_.rope_width;
  // Head h's vectors stand together.
  std::int32_t* indices = scratch.indices.grow(heads * tokens);
  for (std::int64_t i = 0; i < heads * tokens; ++i)
    indices[i] = static_cast<std::int32_t>(i % tokens * heads + i / tokens);

  float* absorbed = scratch.b.grow(tokens * heads * key_width);
  absorb(compute, tokens, queries, scratch, absorbed);
  float* mixed = scratch.d.grow(tokens * heads * shape_.kv_rank);
  std::vector<AttentionJob> jobs;
  for (const PassSequence& sequence : sequences) {
    jobs.push_back({sequence.pages, layer, sequence.position, sequence.tokens,
                    absorbed + sequence.first_token * heads * key_width,
                    mixed + sequence.first_token * heads * shape_.kv_rank});
  }
  attend(compute.isa, absorbed_shape(), jobs, *compute.pool, scratch.attention);
  bring_back(compute, tokens, mixed, scratch, values);
}

}  // namespace aloud
