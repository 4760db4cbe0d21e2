// Runs grouped-query attention.
#include "models/grouped_attention.h"

namespace aloud {

Result<std::unique_ptr<GroupedAttention>> GroupedAttention::load(const TensorLoader& tensors,
                                                                 const std::string& prefix,
                                                                 const GroupedAttentionShape& shape) {
  auto block = std::make_unique<GroupedAttention>();
  block->shape_ = shape;
  const std::int64_t queries = shape.heads * shape.key_width, keys = shape.kv_heads * shape.key_width;
  const std::int64_t values = shape.kv_heads * shape.value_width;
  TRY_ASSIGN(block->query_, tensors.matrix(prefix + "q.weight", queries, shape.hidden));
  TRY_ASSIGN(block->key_, tensors.matrix(prefix + "k.weight", keys, shape.hidden));
  TRY_ASSIGN(block->value_, tensors.matrix(prefix + "v.weight", values, shape.hidden));
  TRY_ASSIGN(block->output_,
             tensors.matrix(prefix + "output.weight", shape.hidden, shape.heads * shape.value_width));
  TRY_ASSIGN(block->query_bias_, tensors.optional_vector(prefix + "q.bias", queries));
  TRY_ASSIGN(block->key_bias_, tensors.optional_vector(prefix + "k.bias", keys));
  TRY_ASSIGN(block->value_bias_, tensors.optional_vector(prefix + "v.bias", values));
  TRY_ASSIGN(block->output_bias_, tensors.optional_vector(prefix + "output.bias", shape.hidden));
  if (shape.head_norm) {
    TRY_ASSIGN(block->query_norm_, tensors.vector(prefix + "q_norm.weight", shape.key_width));
    TRY_ASSIGN(block->key_norm_, tensors.vector(prefix + "k_norm.weight", shape.key_width));
  }
  return block;
}

InputForms GroupedAttention::input_forms() const {
  return input_form(query_.type) | input_form(key_.type) | input_form(value_.type);
}

AttentionShape GroupedAttention::attention_shape() const {
  return {shape_.layout, shape_.heads, shape_.value_width,
          1.0f / __builtin_sqrtf(static_cast<float>(shape_.key_width))};
}

std::int64_t GroupedAttention::scratch_bytes(std::int64_t tokens, std::int64_t context, int threads) const {
  return attention_scratch_bytes(attention_shape(), tokens, context, threads);
}

// Bias, norm and rotation of one query or key head, in place.
void GroupedAttention::prepare_head(const Compute& compute, float* head, const float* bias,
                                    const std::vector<float>& norm, const float* cosine,
                                    const float* sine) const {
  const VectorKernels& kernels = *compute.vector;
  if (bias != nullptr) kernels.add(head, bias, shape_.key_width);
  if (!norm.empty()) kernels.rms_norm(head, norm.data(), shape_.epsilon, shape_.key_width, head);
  const auto rotate =
      shape_.pairing == RopePairing::kInterleaved ? kernels.rotate_interleaved : kernels.rotate_half_split;
  rotate(head, cosine, sine, shape_.rope_width / 2);
}

// Prepares all heads and writes keys and values to the cache, each item a run of tokens of one head with the
// queries that it serves.
void GroupedAttention::store(const Compute& compute, const Pass& pass, std::int64_t layer, float* queries,
                             float* keys, float* values) const {
  const std::int64_t half = shape_.rope_width / 2, group = shape_.heads / shape_.kv_heads;
  const auto bias = [](const std::vector<float>& all, std::int64_t i) {
    return all.empty() ? nullptr : all.data() + i;
  };
  const std::vector<TokenRun> runs = pass.runs();
  const std::int64_t work = pass.tokens() * (query_.rows + key_.rows + value_.rows);
  const std::int64_t items = std::ssize(runs) * shape_.kv_heads;
  compute.each(items, work / items, [&](std::int64_t item, int) {
    const TokenRun& run = runs[static_cast<std::size_t>(item / shape_.kv_heads)];
    const std::int64_t g = item % shape_.kv_heads;
    for (std::int64_t i = 0; i < run.tokens; ++i) {
      const std::int64_t token = run.first_token + i;
      const float* cosine = pass.cosine.data() + token * half;
      const float* sine = pass.sine.data() + token * half;
      for (std::int64_t h = g * group; h < (g + 1) * group; ++h) {
        prepare_head(compute, queries + token * query_.rows + h * shape_.key_width,
                     bias(query_bias_, h * shape_.key_width), query_norm_, cosine, sine);
      }
      float* key = keys + token * key_.rows + g * shape_.key_width;
      float* value = values + token * value_.rows + g * shape_.value_width;
      prepare_head(compute, key, bias(key_bias_, g * shape_.key_width), key_norm_, cosine, sine);
      if (!value_bias_.empty())
        compute.vector->add(value, value_bias_.data() + g * shape_.value_width, shape_.value_width);
      compute.vector->store_kv(shape_.layout.slot(run.page, layer, g, run.slot + i), key, value);
    }
  });
}

void GroupedAttention::run(const Compute& compute, const Pass& pass, std::int64_t layer, const Activations& x,
                           Scratch& scratch, float* out) const {
  const std::int64_t tokens = pass.tokens();
  float* queries = scratch.a.grow(tokens * query_.rows);
  float* keys = scratch.b.grow(tokens * key_.rows);
  float* values = scratch.c.grow(tokens * value_.rows);
  const MatmulJob projections[] = {{query_, &x, nullptr, tokens, queries, query_.rows},
                                   {key_, &x, nullptr, tokens, keys, key_.rows},
                                   {value_, &x, nullptr, tokens, values, value_.rows}};
  matmul(compute.isa, projections, *compute.pool);

  store(compute, pass, layer, queries, keys, values);

  const std::int64_t mixed_width = shape_.heads * shape_.value_width;
  float* mixed = scratch.d.grow(tokens * mixed_width);
  std::vector<AttentionJob> jobs;
  for (const PassSequence& sequence : pass.sequences) {
    jobs.push_back({sequence.pages, layer, sequence.position, sequence.tokens,
                    queries + sequence.first_token * query_.rows,
                    mixed + sequence.first_token * mixed_width});
  }
  attend(compute.isa, attention_shape(), jobs, *compute.pool, scratch.attention);

  scratch.inner.assign(compute.isa, mixed, tokens, mixed_width, mixed_width, input_form(output_.type),
                       *compute.pool);
  const MatmulJob projection[] = {{output_, &scratch.inner, nullptr, tokens, out, output_.rows}};
  matmul(compute.isa, projection, *compute.pool);
  if (!output_bias_.empty()) {
    compute.each(tokens, output_.rows, [&](std::int64_t t, int) {
      compute.vector->add(out + t * output_.rows, output_bias_.data(), output_.rows);
    });
  }
}

}  // namespace aloud
