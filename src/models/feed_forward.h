// The dense feed-forward block: down(silu(gate(x)) * up(x)).
#pragma once

#include <memory>
#include <string>

#include "models/block.h"
#include "models/tensor_loader.h"

namespace aloud {

class DenseFeedForward : public FeedForwardBlock {
 public:
  // Reads <prefix>gate<suffix>, up and down: "blk.3.ffn_" with ".weight" or "_shexp.weight".
  static Result<std::unique_ptr<DenseFeedForward>> load(const TensorLoader& tensors,
                                                        const std::string& prefix, const std::string& suffix,
                                                        std::int64_t hidden, std::int64_t inner);

  InputForms input_forms() const override;
  void run(const Compute& compute, const Activations& x, Scratch& scratch, float* out) const override;

 private:
  WeightMatrix gate_, up_, down_;
};

}  // namespace aloud
