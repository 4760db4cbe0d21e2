// Multi-head latent attention (MLA) of DeepSeek-V2, V3 and R1, with the compressed cache.
// Source: DeepSeek-V2, arXiv 2405.04434.
#pragma once

#include <memory>
#include <string>

#include "models/block.h"
#include "models/rope.h"
#include "models/tensor_loader.h"

namespace aloud {

struct LatentAttentionShape {
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t query_rank = 0;   // q_lora; 0: queries are projected directly (V2-Lite)
  std::int64_t kv_rank = 0;      // kv_lora: the compressed values that the cache keeps
  std::int64_t nope_width = 0;   // of a head's key without position
  std::int64_t rope_width = 0;   // of the rotated key that all heads share
  std::int64_t value_width = 0;  // of a head
  float scale = 1;               // of the scores, YaRN's temperature included
  float epsilon = 1e-6f;
  KvLayout layout;  // key_width = kv_rank + rope_width, value_width = 0
};

// The absorbed form: queries are taken into the compressed space (k_b), attend there as heads that share one
// key, and come back through v_b. The cache holds kv_rank + rope_width values per token and layer.
class LatentAttention : public AttentionBlock {
 public:
  // Reads <prefix>q_a.weight ... (prefix "blk.0.attn_"), with k_b and v_b split as in new files or joined in
  // kv_b as in old ones (then the transposed k_b is made at load, in float32 or in the 16-bit type of the
  // file).
  static Result<std::unique_ptr<LatentAttention>> load(const TensorLoader& tensors, const std::string& prefix,
                                                       const LatentAttentionShape& shape);

  InputForms input_forms() const override;
  void run(const Compute& compute, const Pass& pass, std::int64_t layer, const Activations& x,
           Scratch& scratch, float* out) const override;

 private:
  Status load_joined(const TensorLoader& tensors, const std::string& name);
  void project_queries(const Compute& compute, const Activations& x, Scratch& scratch, float* queries) const;
  void store(const Compute& compute, const Pass& pass, std::int64_t layer, float* latents,
             const float* queries, float* absorbed) const;
  void absorb(const Compute& compute, std::int64_t tokens, const float* queries, float* absorbed,
              Scratch& scratch) const;
  void expand_values(const Compute& compute, const float* mixed, std::int64_t tokens, float* values,
                     Scratch& scratch) const;

  LatentAttentionShape shape_;
  WeightMatrix query_, query_down_, query_up_, latent_, output_;
  std::vector<float> query_norm_, latent_norm_;
  std::vector<WeightMatrix> key_up_;        // [heads] of [kv_rank][nope_width]
  std::vector<WeightMatrix> value_up_;      // [heads] of [value_width][kv_rank]
  std::vector<std::byte> transposed_keys_;  // owns key_up_ of old files
};

}  // namespace aloud
