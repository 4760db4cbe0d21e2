// Grouped-query attention, as in the Llama and Qwen families.
#pragma once

#include <memory>
#include <string>

#include "models/block.h"
#include "models/rope.h"
#include "models/tensor_loader.h"

namespace aloud {

struct GroupedAttentionShape {
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t key_width = 0;    // of one head
  std::int64_t value_width = 0;  // of one head
  std::int64_t rope_width = 0;   // the first values of a head that are rotated
  RopePairing pairing = RopePairing::kInterleaved;
  bool head_norm = false;  // queries and keys are normed per head before the rotation (Qwen3)
  float epsilon = 1e-6f;
  KvLayout layout;
};

class GroupedAttention : public AttentionBlock {
 public:
  // Reads <prefix>q.weight, k, v, output (prefix "blk.0.attn_"), their biases where the file has them, and
  // q_norm and k_norm if head_norm.
  static Result<std::unique_ptr<GroupedAttention>> load(const TensorLoader& tensors,
                                                        const std::string& prefix,
                                                        const GroupedAttentionShape& shape);

  InputForms input_forms() const override;
  std::int64_t scratch_bytes(std::int64_t tokens, std::int64_t context, int threads) const override;
  void run(const Compute& compute, const Pass& pass, std::int64_t layer, const Activations& x,
           Scratch& scratch, float* out) const override;

 private:
  AttentionShape attention_shape() const;
  void prepare_head(const Compute& compute, float* head, const float* bias, const std::vector<float>& norm,
                    const float* cosine, const float* sine) const;
  void store(const Compute& compute, const Pass& pass, std::int64_t layer, float* queries, float* keys,
             float* values) const;

  GroupedAttentionShape shape_;
  WeightMatrix query_, key_, value_, output_;
  std::vector<float> query_bias_, key_bias_, value_bias_, output_bias_;
  std::vector<float> query_norm_, key_norm_;
};

}  // namespace aloud
