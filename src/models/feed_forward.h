// The feed-forward network down(silu(gate(x)) * up(x)): the dense block, and what the experts of a mixture
// share with it.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "models/block.h"
#include "models/tensor_loader.h"

namespace aloud {

// gate and up are [inner][hidden], down is [hidden][inner].
struct FeedForwardWeights {
  WeightMatrix gate, up, down;

  // Reads <prefix>gate<suffix>, up and down: "blk.3.ffn_" with ".weight" or "_shexp.weight".
  static Result<FeedForwardWeights> load(const TensorLoader& tensors, const std::string& prefix,
                                         const std::string& suffix, std::int64_t hidden, std::int64_t inner);
  InputForms input_forms() const { return input_form(gate.type) | input_form(up.type); }
};

// Vectors that went through gate and up, both [count][inner]. What becomes of them: the input of down in
// `forms`, written to *inputs.
struct GatedVectors {
  const float* gate;
  const float* up;
  std::int64_t count, inner;
  InputForms forms;
  Activations* inputs;
};

// silu(gate) * up of all groups in one parallel loop.
void activate(const Compute& compute, std::span<const GatedVectors> groups, Buffer<float>& workers);

class DenseFeedForward : public FeedForwardBlock {
 public:
  // Reads <prefix>gate.weight, up and down (prefix "blk.3.ffn_").
  static Result<std::unique_ptr<DenseFeedForward>> load(const TensorLoader& tensors,
                                                        const std::string& prefix, std::int64_t hidden,
                                                        std::int64_t inner);

  InputForms input_forms() const override { return weights_.input_forms(); }
  void run(const Compute& compute, const Activations& x, Scratch& scratch, float* out) const override;

 private:
  FeedForwardWeights weights_;
};

}  // namespace aloud
