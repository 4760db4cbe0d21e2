// Runs the dense feed-forward block.
#include "models/feed_forward.h"

namespace aloud {

Result<std::unique_ptr<DenseFeedForward>> DenseFeedForward::load(const TensorLoader& tensors,
                                                                 const std::string& prefix,
                                                                 const std::string& suffix,
                                                                 std::int64_t hidden, std::int64_t inner) {
  auto block = std::make_unique<DenseFeedForward>();
  TRY_ASSIGN(block->gate_, tensors.matrix(prefix + "gate" + suffix, inner, hidden));
  TRY_ASSIGN(block->up_, tensors.matrix(prefix + "up" + suffix, inner, hidden));
  TRY_ASSIGN(block->down_, tensors.matrix(prefix + "down" + suffix, hidden, inner));
  return block;
}

InputForms DenseFeedForward::input_forms() const { return input_form(gate_.type) | input_form(up_.type); }

void DenseFeedForward::run(const Compute& compute, const Activations& x, Scratch& scratch, float* out) const {
  const std::int64_t tokens = x.count(), inner = gate_.rows;
  float* gate = grow(scratch.a, tokens * inner);
  float* up = grow(scratch.b, tokens * inner);
  const MatmulJob both[] = {{gate_, &x, nullptr, tokens, gate, inner}, {up_, &x, nullptr, tokens, up, inner}};
  matmul(compute.isa, both, *compute.pool);
  compute.each(tokens, [&](std::int64_t t) {
    compute.vector->swiglu(gate + t * inner, up + t * inner, inner, gate + t * inner);
  });
  scratch.inner.assign(compute.isa, gate, tokens, inner, inner, input_form(down_.type), *compute.pool);
  const MatmulJob job[] = {{down_, &scratch.inner, nullptr, tokens, out, down_.rows}};
  matmul(compute.isa, job, *compute.pool);
}

}  // namespace aloud
