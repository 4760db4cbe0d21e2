// Runs the dense feed-forward block.
#include "models/feed_forward.h"

namespace aloud {
namespace {

// A long vector is cut into parts for several threads; the forms of activations allow it here.
constexpr std::int64_t kPartValues = 4096;

std::int64_t parts(const GatedVectors& group) { return (group.inner + kPartValues - 1) / kPartValues; }

}  // namespace

Result<FeedForwardWeights> FeedForwardWeights::load(const TensorLoader& tensors, const std::string& prefix,
                                                    const std::string& suffix, std::int64_t hidden,
                                                    std::int64_t inner) {
  FeedForwardWeights weights;
  TRY_ASSIGN(weights.gate, tensors.matrix(prefix + "gate" + suffix, inner, hidden));
  TRY_ASSIGN(weights.up, tensors.matrix(prefix + "up" + suffix, inner, hidden));
  TRY_ASSIGN(weights.down, tensors.matrix(prefix + "down" + suffix, hidden, inner));
  return weights;
}

void activate(const Compute& compute, std::span<const GatedVectors> groups, Buffer<float>& workers) {
  std::int64_t items = 0, values = 0;
  for (const GatedVectors& group : groups) {
    group.inputs->reset(compute.isa, group.count, group.inner, group.forms);
    items += group.count * parts(group);
    values += group.count * group.inner;
  }
  if (items == 0) return;
  float* products = workers.grow(compute.pool->size() * kPartValues);
  compute.each(items, values / items, [&](std::int64_t item, int worker) {
    const GatedVectors* group = groups.data();
    for (; item >= group->count * parts(*group); ++group) item -= group->count * parts(*group);
    const std::int64_t vector = item / parts(*group), first = item % parts(*group) * kPartValues;
    const std::int64_t n = std::min(kPartValues, group->inner - first), at = vector * group->inner + first;
    float* product = products + worker * kPartValues;
    compute.vector->swiglu(group->gate + at, group->up + at, n, product);
    group->inputs->set(vector, product, first, n);
  });
}

Result<std::unique_ptr<DenseFeedForward>> DenseFeedForward::load(const TensorLoader& tensors,
                                                                 const std::string& prefix,
                                                                 std::int64_t hidden, std::int64_t inner) {
  auto block = std::make_unique<DenseFeedForward>();
  TRY_ASSIGN(block->weights_, FeedForwardWeights::load(tensors, prefix, ".weight", hidden, inner));
  return block;
}

void DenseFeedForward::run(const Compute& compute, const Activations& x, Scratch& scratch, float* out) const {
  const std::int64_t tokens = x.count(), inner = weights_.gate.rows;
  float* gate = scratch.a.grow(tokens * inner);
  float* up = scratch.b.grow(tokens * inner);
  const MatmulJob both[] = {{weights_.gate, &x, nullptr, tokens, gate, inner},
                            {weights_.up, &x, nullptr, tokens, up, inner}};
  matmul(compute.isa, both, *compute.pool);
  const GatedVectors gated[] = {{gate, up, tokens, inner, input_form(weights_.down.type), &scratch.inner}};
  activate(compute, gated, scratch.workers);
  const MatmulJob job[] = {{weights_.down, &scratch.inner, nullptr, tokens, out, weights_.down.rows}};
  matmul(compute.isa, job, *compute.pool);
}

}  // namespace aloud
