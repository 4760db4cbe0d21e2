// Multi-head latent attention (MLA) of DeepSeek-V2, V3 and R1, with the compressed cache.
// Source: DeepSeek-V2, arXiv 2405.04434.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

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

// A head's keys and values are the latents of the cache taken through matrices. What attention gives is the
// same in two forms, but for rounding:
//   absorbed  queries are taken into the latent space instead, attend there as heads that share one key, and
//             what they mix comes back: little per key, much per query
//   expanded  the keys and values of all heads are made from the latents, a window of them at a time: much
//             per key, little per query
// Generated tokens take the first, prompts the second, however few they are in a step. The cache holds
// kv_rank + rope_width values per token and layer.
class LatentAttention : public AttentionBlock {
 public:
  // Reads <prefix>q_a.weight ... (prefix "blk.0.attn_"), with k_b and v_b split as in new files or joined in
  // kv_b as in old ones.
  static Result<std::unique_ptr<LatentAttention>> load(const TensorLoader& tensors, const std::string& prefix,
                                                       const LatentAttentionShape& shape);

  InputForms input_forms() const override;
  std::int64_t scratch_bytes(std::int64_t tokens, std::int64_t context, int threads) const override;
  void run(const Compute& compute, const Pass& pass, std::int64_t layer, const Activations& x,
           Scratch& scratch, float* out) const override;

 private:
  struct Window;

  Status load_split(const TensorLoader& tensors, const std::string& prefix);
  Status load_joined(const TensorLoader& tensors, const std::string& name);
  std::vector<WeightMatrix> turn(const std::vector<WeightMatrix>& matrices);

  std::int64_t query_width() const { return shape_.nope_width + shape_.rope_width; }  // of a head
  void project(const Compute& compute, const Activations& x, Scratch& scratch, float* queries,
               float* latents) const;
  void store(const Compute& compute, const Pass& pass, std::int64_t layer, float* latents,
             float* queries) const;

  // Attention of the tokens of one role. queries: [tokens][heads][query_width], values:
  // [tokens][heads][value_width], tokens being those of the pass.
  void attend_absorbed(const Compute& compute, const Pass& pass, std::int64_t layer, const float* queries,
                       Scratch& scratch, float* values) const;
  void attend_expanded(const Compute& compute, const Pass& pass, std::int64_t layer, const float* queries,
                       Scratch& scratch, float* values) const;

  // Parts of the absorbed form.
  AttentionShape absorbed_shape() const;
  void absorb(const Compute& compute, std::int64_t tokens, const float* queries, Scratch& scratch,
              float* absorbed) const;
  void bring_back(const Compute& compute, std::int64_t tokens, const float* mixed, Scratch& scratch,
                  float* values) const;
  // Parts of the expanded form.
  AttentionShape expanded_shape() const;
  void expand(const Compute& compute, std::span<const Window> windows, std::int64_t layer,
              Scratch& scratch) const;
  void attend_windows(const Compute& compute, std::span<const Window> windows, const float* queries,
                      Scratch& scratch, float* values) const;

  LatentAttentionShape shape_;
  WeightMatrix query_, query_down_, query_up_, latent_, output_;
  std::vector<float> query_norm_, latent_norm_;
  // One for each head. The file has one of the two for keys, the other is made from it.
  std::vector<WeightMatrix> key_absorb_;    // [kv_rank][nope_width]
  std::vector<WeightMatrix> key_expand_;    // [nope_width][kv_rank]
  std::vector<WeightMatrix> value_expand_;  // [value_width][kv_rank]
  std::vector<std::byte> turned_;           // owns the one that was made
};

}  // namespace aloud
