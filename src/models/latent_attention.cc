// Loads multi-head latent attention and runs what its two forms have in common.
#include "models/latent_attention.h"

#include <cstring>

#include "base/half.h"
#include "kernels/format.h"
#include "kernels/panels.h"

namespace aloud {

Result<std::unique_ptr<LatentAttention>> LatentAttention::load(const TensorLoader& tensors,
                                                               const std::string& prefix,
                                                               const LatentAttentionShape& shape) {
  auto block = std::make_unique<LatentAttention>();
  block->shape_ = shape;
  const std::int64_t head_width = block->query_width();
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
  TRY(tensors.has(prefix + "kv_b.weight") ? block->load_joined(tensors, prefix + "kv_b.weight")
                                          : block->load_split(tensors, prefix));
  return block;
}

Status LatentAttention::load_split(const TensorLoader& tensors, const std::string& prefix) {
  TRY_ASSIGN(const MatrixStack keys,
             tensors.stack(prefix + "k_b.weight", shape_.heads, shape_.kv_rank, shape_.nope_width));
  TRY_ASSIGN(const MatrixStack values,
             tensors.stack(prefix + "v_b.weight", shape_.heads, shape_.value_width, shape_.kv_rank));
  for (std::int64_t h = 0; h < shape_.heads; ++h) {
    key_absorb_.push_back(keys[h]);
    value_expand_.push_back(values[h]);
  }
  key_expand_ = turn(key_absorb_);
  return {};
}

// kv_b holds, head after head, nope_width rows for the key and value_width rows for the value.
Status LatentAttention::load_joined(const TensorLoader& tensors, const std::string& name) {
  const std::int64_t per_head = shape_.nope_width + shape_.value_width;
  const bool whole_panels = shape_.nope_width % kPanelRows == 0 && shape_.value_width % kPanelRows == 0;
  TRY_ASSIGN(const WeightMatrix joined,
             tensors.matrix(name, shape_.heads * per_head, shape_.kv_rank,
                            whole_panels ? WeightLayout::kPanels : WeightLayout::kRows));
  const auto rows = [&](std::int64_t first, std::int64_t count) {
    const bool panels = joined.layout == WeightLayout::kPanels;
    const std::int64_t offset = panels ? first / kPanelRows * panel_bytes(joined.type, joined.columns)
                                       : first * row_bytes(joined.type, joined.columns);
    return WeightMatrix{joined.type, count, joined.columns, joined.data + offset, joined.layout};
  };
  for (std::int64_t h = 0; h < shape_.heads; ++h) {
    key_expand_.push_back(rows(h * per_head, shape_.nope_width));
    value_expand_.push_back(rows(h * per_head + shape_.nope_width, shape_.value_width));
  }
  key_absorb_ = turn(key_expand_);
  return {};
}

// The matrices the other way round. Quantised weights cannot be turned without loss, so they become float16.
std::vector<WeightMatrix> LatentAttention::turn(const std::vector<WeightMatrix>& matrices) {
  const WeightMatrix& first = matrices.front();
  const DType type = is_float(first.type) ? first.type : DType::kF16;
  const std::int64_t value_bytes = info(type).block_bytes, size = first.rows * first.columns * value_bytes;
  turned_.resize(matrices.size() * static_cast<std::size_t>(size));
  std::vector<WeightMatrix> result;
  std::vector<float> row(static_cast<std::size_t>(first.columns));
  std::byte* to = turned_.data();
  for (const WeightMatrix& matrix : matrices) {
    for (std::int64_t r = 0; r < matrix.rows; ++r) {
      dequantize_row(matrix, r, row);
      for (std::int64_t c = 0; c < matrix.columns; ++c) {
        const float value = row[static_cast<std::size_t>(c)];
        std::byte* const place = to + (c * matrix.rows + r) * value_bytes;
        if (type == DType::kF32) {
          std::memcpy(place, &value, sizeof value);
        } else {
          const std::uint16_t bits = type == DType::kF16 ? half_from_float(value) : bfloat_from_float(value);
          std::memcpy(place, &bits, sizeof bits);
        }
      }
    }
    result.push_back({type, matrix.columns, matrix.rows, to});
    to += size;
  }
  return result;
}

InputForms LatentAttention::input_forms() const {
  return input_form(shape_.query_rank == 0 ? query_.type : query_down_.type) | input_form(latent_.type);
}

// queries: [tokens][heads][nope + rope], not rotated yet; latents: [tokens][kv_rank + rope], not normed yet.
void LatentAttention::project(const Compute& compute, const Activations& x, Scratch& scratch, float* queries,
                              float* latents) const {
  const std::int64_t tokens = x.count(), width = shape_.heads * query_width(), rank = shape_.query_rank;
  float* low = scratch.b.grow(tokens * rank);
  const MatmulJob both[] = {{latent_, &x, nullptr, tokens, latents, latent_.rows},
                            rank == 0 ? MatmulJob{query_, &x, nullptr, tokens, queries, width}
                                      : MatmulJob{query_down_, &x, nullptr, tokens, low, rank}};
  matmul(compute.isa, both, *compute.pool);
  if (rank == 0) return;
  fill_activations(compute, scratch, tokens, rank, input_form(query_up_.type), scratch.inner,
                   [&](std::int64_t t, float* normed) {
                     compute.vector->rms_norm(low + t * rank, query_norm_.data(), shape_.epsilon, rank,
                                              normed);
                   });
  const MatmulJob up[] = {{query_up_, &scratch.inner, nullptr, tokens, queries, width}};
  matmul(compute.isa, up, *compute.pool);
}

// latents: [tokens][kv_rank + rope]: the first part is normed, the second rotated, both go to the cache.
// The second parts of the queries are rotated in place.
void LatentAttention::store(const Compute& compute, const Pass& pass, std::int64_t layer, float* latents,
                            float* queries) const {
  const std::int64_t width = shape_.kv_rank + shape_.rope_width, half = shape_.rope_width / 2;
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
        compute.vector->rotate_interleaved(queries + h * query_width() + shape_.nope_width, cosine, sine,
                                           half);
      }
    }
  });
}

void LatentAttention::run(const Compute& compute, const Pass& pass, std::int64_t layer, const Activations& x,
                          Scratch& scratch, float* out) const {
  const std::int64_t tokens = pass.tokens();
  float* queries = scratch.a.grow(tokens * shape_.heads * query_width());
  float* latents = scratch.c.grow(tokens * latent_.rows);
  project(compute, x, scratch, queries, latents);
  store(compute, pass, layer, latents, queries);

  const std::int64_t value_width = shape_.heads * shape_.value_width;
  float* values = scratch.c.grow(tokens * value_width);
  attend_absorbed(compute, pass, layer, queries, scratch, values);
  attend_expanded(compute, pass, layer, queries, scratch, values);

  scratch.inner.assign(compute.isa, values, tokens, value_width, value_width, input_form(output_.type),
                       *compute.pool);
  const MatmulJob projection[] = {{output_, &scratch.inner, nullptr, tokens, out, output_.rows}};
  matmul(compute.isa, projection, *compute.pool);
}

}  // namespace aloud
