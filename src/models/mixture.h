// Mixture of experts: a router picks a few feed-forward networks for each token; shared experts see every
// token. Sources: DeepSeekMoE, arXiv 2401.06066; DeepSeek-V2, 2405.04434; DeepSeek-V3, 2412.19437.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/block.h"
#include "models/feed_forward.h"
#include "models/tensor_loader.h"

namespace aloud {

enum class Gating { kSoftmax, kSigmoid };

struct RouterShape {
  std::int64_t experts = 0;
  std::int64_t used = 0;         // per token
  std::int64_t groups = 1;       // experts come in groups of experts / groups
  std::int64_t used_groups = 1;  // of which a token uses so many
  Gating gating = Gating::kSoftmax;
  bool normalise = false;  // the weights of the chosen experts sum to 1
  float scale = 1;         // and are multiplied by this
};

// An expert chosen for a token.
struct Choice {
  std::int32_t expert;
  float weight;
};

// Chooses shape.used experts from one token's logits [experts], in order of preference, ties to the lower
// number. bias ([experts] or empty) is added to the probabilities for the choice only. A group counts by the
// sum of its two best biased probabilities (sigmoid) or by its best (softmax). scratch: 2 * experts floats.
void route(const RouterShape& shape, std::span<const float> logits, std::span<const float> bias,
           float* scratch, std::span<Choice> choices);

class Mixture : public FeedForwardBlock {
 public:
  // Reads <prefix>gate_inp.weight, exp_probs_b.bias, gate_exps, up_exps, down_exps and the *_shexp tensors
  // (layer prefix "blk.3."). shared: number of shared experts, joined in one network of shared * inner.
  static Result<std::unique_ptr<Mixture>> load(const TensorLoader& tensors, const std::string& layer_prefix,
                                               const RouterShape& shape, std::int64_t hidden,
                                               std::int64_t inner, std::int64_t shared);

  InputForms input_forms() const override;
  void run(const Compute& compute, const Activations& x, Scratch& scratch, float* out) const override;

 private:
  // The pairs (token, choice), token after token in the order of preference, and the same sorted by expert.
  struct Grouping {
    std::vector<Choice> choices;       // [tokens][used]
    std::vector<std::int32_t> start;   // [experts + 1]: where an expert's pairs begin among the sorted ones
    std::vector<std::int32_t> token;   // of a sorted pair
    std::vector<std::int32_t> place;   // of pair [tokens][used] among the sorted ones
    std::vector<std::int32_t> sorted;  // 0, 1, 2, ...: the sorted pairs
  };
  Grouping group(const Compute& compute, const float* logits, std::int64_t tokens, Scratch& scratch) const;
  template <class AddJobs>
  void multiply(const Compute& compute, const Grouping& grouping, std::vector<MatmulJob>& jobs,
                const AddJobs& add_jobs) const;

  RouterShape shape_;
  WeightMatrix router_;
  std::vector<float> bias_;
  MatrixStack gate_, up_, down_;
  std::optional<FeedForwardWeights> shared_;
};

}  // namespace aloud
