// Runs multi-head latent attention in its absorbed form.
#include "models/latent_attention.h"

#include <cstring>

#include "base/half.h"
#include "kernels/format.h"

namespace aloud {

Result<std::unique_ptr<LatentAttention>> LatentAttention::load(const TensorLoader& tensors,
                                                               const std::string& prefix,
                                                               const LatentAttentionShape& shape) {
  auto block = std::make_unique<LatentAttention>();
  block->shape_ = shape;
  const std::int64_t head_width = shape.nope_width + shape.rope_width;
  if (shape.query_rank == 0) {
    TRY_ASSIGN(block->query_, tensors.matrix(prefix + "q.weight", shape.heads * head_width, shape.hidden));
  } else {
    TRY_ASSIGN(block->query_down_, tensors.matrix(prefix + "q_a.weight", shape.query_rank, shape.hidden));
    TRY_ASSIGN(block->query_norm_, tensors.vector(prefix + "q_a_norm.weight", shape.query_rank));
    TRY_ASSIGN(block->query_up_,
               tensors.matrix(prefix + "q_b.weight", shape.heads * head_width, shape.query_rank));
  }
  TRY_ASSIGN(block->latent_,
             tensors.matrix(prefix + "kv_a_mqa.weight", shape.kv_rank + shape.rope_width, shape.hidden));
  TRY_ASSIGN(block->latent_norm_, tensors.vector(prefix + "kv_a_norm.weight", shape.kv_rank));
  TRY_ASSIGN(block->output_,
             tensors.matrix(prefix + "output.weight", shape.hidden, shape.heads * shape.value_width));
  if (tensors.has(prefix + "kv_b.weight")) {
    TRY(block->load_joined(tensors, prefix + "kv_b.weight"));
    return block;
  }
  TRY_ASSIGN(const MatrixStack keys,
             tensors.stack(prefix + "k_b.weight", shape.heads, shape.kv_rank, shape.nope_width));
  TRY_ASSIGN(const MatrixStack values,
             tensors.stack(prefix + "v_b.weight", shape.heads, shape.value_width, shape.kv_rank));
  for (std::int64_t h = 0; h < shape.heads; ++h) {
    block->key_up_.push_back(keys[h]);
    block->value_up_.push_back(values[h]);
  }
  return block;
}

// kv_b holds, head after head, nope_width rows for the key and value_width rows for the value, kv_rank
// columns each. The key part is needed the other way round; quantised weights cannot be turned without loss,
// so it becomes float16.
Status LatentAttention::load_joined(const TensorLoader& tensors, const std::string& name) {
  const std::int64_t per_head = shape_.nope_width + shape_.value_width;
  TRY_ASSIGN(const WeightMatrix joined, tensors.matrix(name, shape_.heads * per_head, shape_.kv_rank));
  const DType type = is_float(joined.type) ? joined.type : DType::kF16;
  const std::int64_t bytes_per_value = info(type).block_bytes;
  const std::int64_t row_size = row_bytes(joined.type, joined.columns);
  const std::int64_t head_bytes = shape_.kv_rank * shape_.nope_width * bytes_per_value;
  transposed_keys_.resize(static_cast<std::size_t>(shape_.heads * head_bytes));
  std::vector<float> row(static_cast<std::size_t>(shape_.kv_rank));
  for (std::int64_t h = 0; h < shape_.heads; ++h) {
    std::byte* keys = transposed_keys_.data() + h * head_bytes;
    for (std::int64_t n = 0; n < shape_.nope_width; ++n) {
      dequantize(joined.type, joined.data + (h * per_head + n) * row_size, row);
      for (std::int64_t c = 0; c < shape_.kv_rank; ++c) {
        const float value = row[static_cast<std::size_t>(c)];
        std::byte* place = keys + (c * shape_.nope_width + n) * bytes_per_value;
        if (type == DType::kF32) {
          std::memcpy(place, &value, sizeof value);
        } else {
          const std::uint16_t bits = type == DType::kF16 ? half_from_float(value) : bfloat_from_float(value);
          std::memcpy(place, &bits, sizeof bits);
        }
      }
    }
    key_up_.push_back({type, shape_.kv_rank, shape_.nope_width, keys});
    value_up_.push_back({joined.type, shape_.value_width, shape_.kv_rank,
                         joined.data + (h * per_head + shape_.nope_width) * row_size});
  }
  return {};
}

InputForms LatentAttention::input_forms() const {
  return input_form(shape_.query_rank == 0 ? query_.type : query_down_.type) | input_form(latent_.type);
}

// queries: [tokens][heads][nope + rope], not rotated yet.
void LatentAttention::project_queries(const Compute& compute, const Activations& x, Scratch& scratch,
                                      float* queries) const {
  const std::int64_t tokens = x.count(), width = shape_.heads * (shape_.nope_width + shape_.rope_width);
  if (shape_.query_rank == 0) {
    const MatmulJob job[] = {{query_, &x, nullptr, tokens, queries, width}};
    matmul(compute.isa, job, *compute.pool);
    return;
  }
  const std::int64_t rank = shape_.query_rank;
  float* low = grow(scratch.c, tokens * rank);
  const MatmulJob down[] = {{query_down_, &x, nullptr, tokens, low, rank}};
  matmul(compute.isa, down, *compute.pool);
  fill_activations(compute, scratch, tokens, rank, input_form(query_up_.type), scratch.inner,
                   [&](std::int64_t t, float* normed) {
                     compute.vector->rms_norm(low + t * rank, query_norm_.data(), shape_.epsilon, rank,
                                              normed);
                   });
  const MatmulJob up[] = {{query_up_, &scratch.inner, nullptr, tokens, queries, width}};
  matmul(compute.isa, up, *compute.pool);
}

// latents: [tokens][kv_rank + rope]: the first part is normed, the second rotated, both go to the cache. The
// rotated part of the queries goes to absorbed: [tokens][heads][kv_rank + rope].
void LatentAttention::store(const Compute& compute, const Pass& pass, std::int64_t layer, float* latents,
                            const float* queries, float* absorbed) const {
  const std::int64_t width = shape_.kv_rank + shape_.rope_width, half = shape_.rope_width / 2;
  const std::int64_t head_width = shape_.nope_width + shape_.rope_width;
  const std::vector<TokenRun> runs = pass.runs();
  const std::int64_t work = pass.tokens() * (width + shape_.heads * shape_.rope_width);
  compute.each(std::ssize(runs), work / std::ssize(runs), [&](std::int64_t item, int) {
    const TokenRun& run = runs[static_cast<std::size_t>(item)];
    for (std::int64_t i = 0; i < run.tokens; ++i) {
      const std::int64_t token = run.first_token + i;
      const float* cosine = pass.cosine.data() + token * half;
      const float* sine = pass.sine.data() + token * half;
      float* latent = latents + token * width;
      compute.vector->rms_norm(latent, latent_norm_.data(), shape_.epsilon, shape_.kv_rank, latent);
      compute.vector->rotate_interleaved(latent + shape_.kv_rank, cosine, sine, half);
      compute.vector->store_kv(shape_.layout.slot(run.page, layer, 0, run.slot + i), latent, nullptr);
      for (std::int64_t h = token * shape_.heads; h < (token + 1) * shape_.heads; ++h) {
        float* rotated = absorbed + h * width + shape_.kv_rank;
        std::memcpy(rotated, queries + h * head_width + shape_.nope_width,
                    static_cast<std::size_t>(shape_.rope_width) * sizeof(float));
        compute.vector->rotate_interleaved(rotated, cosine, sine, half);
      }
    }
  });
}

// The first part of absorbed: that of the queries, taken through k_b.
void LatentAttention::absorb(const Compute& compute, std::int64_t tokens, const float* queries,
                             float* absorbed, Scratch& scratch) const {
  const std::int64_t heads = shape_.heads, key_width = shape_.kv_rank + shape_.rope_width;
  scratch.inner.assign(compute.isa, queries, tokens * heads, shape_.nope_width,
                       shape_.nope_width + shape_.rope_width, input_form(key_up_[0].type), *compute.pool);
  std::vector<MatmulJob> jobs;
  for (std::int64_t h = 0; h < heads; ++h) {
    jobs.push_back({key_up_[static_cast<std::size_t>(h)], &scratch.inner, scratch.indices.data() + h * tokens,
                    tokens, absorbed + h * key_width, heads * key_width});
  }
  matmul(compute.isa, jobs, *compute.pool);
}

// values: [tokens][heads][value_width] from mixed: [tokens][heads][kv_rank].
void LatentAttention::expand_values(const Compute& compute, const float* mixed, std::int64_t tokens,
                                    float* values, Scratch& scratch) const {
  scratch.inner.assign(compute.isa, mixed, tokens * shape_.heads, shape_.kv_rank, shape_.kv_rank,
                       input_form(value_up_[0].type), *compute.pool);
  std::vector<MatmulJob> jobs;
  for (std::int64_t h = 0; h < shape_.heads; ++h) {
    jobs.push_back({value_up_[static_cast<std::size_t>(h)], &scratch.inner,
                    scratch.indices.data() + h * tokens, tokens, values + h * shape_.value_width,
                    shape_.heads * shape_.value_width});
  }
  matmul(compute.isa, jobs, *compute.pool);
}

void LatentAttention::run(const Compute& compute, const Pass& pass, std::int64_t layer, const Activations& x,
                          Scratch& scratch, float* out) const {
  const std::int64_t tokens = pass.tokens(), heads = shape_.heads;
  const std::int64_t key_width = shape_.kv_rank + shape_.rope_width;
  // Vector t * heads + h belongs to token t and head h; head h's tokens stand together in indices.
  std::int32_t* indices = grow(scratch.indices, heads * tokens);
  for (std::int64_t i = 0; i < heads * tokens; ++i)
    indices[i] = static_cast<std::int32_t>(i % tokens * heads + i / tokens);

  float* queries = grow(scratch.a, tokens * heads * (shape_.nope_width + shape_.rope_width));
  project_queries(compute, x, scratch, queries);
  float* latents = grow(scratch.c, tokens * key_width);
  const MatmulJob latent[] = {{latent_, &x, nullptr, tokens, latents, key_width}};
  matmul(compute.isa, latent, *compute.pool);
  float* absorbed = grow(scratch.b, tokens * heads * key_width);
  store(compute, pass, layer, latents, queries, absorbed);
  absorb(compute, tokens, queries, absorbed, scratch);

  const AttentionShape attention{shape_.layout, heads, shape_.kv_rank, shape_.scale};
  float* mixed = grow(scratch.d, tokens * heads * shape_.kv_rank);
  std::vector<AttentionJob> jobs;
  for (const PassSequence& sequence : pass.sequences) {
    jobs.push_back({sequence.pages, layer, sequence.position, sequence.tokens,
                    absorbed + sequence.first_token * heads * key_width,
                    mixed + sequence.first_token * heads * shape_.kv_rank});
  }
  attend(compute.isa, attention, jobs, *compute.pool, scratch.attention);

  const std::int64_t value_width = heads * shape_.value_width;
  float* values = grow(scratch.a, tokens * value_width);
  expand_values(compute, mixed, tokens, values, scratch);
  scratch.inner.assign(compute.isa, values, tokens, value_width, value_width, input_form(output_.type),
                       *compute.pool);
  const MatmulJob projection[] = {{output_, &scratch.inner, nullptr, tokens, out, output_.rows}};
  matmul(compute.isa, projection, *compute.pool);
}

}  // namespace aloud
