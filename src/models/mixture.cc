// Routes tokens to experts and runs each expert once for all of its tokens.
#include "models/mixture.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace aloud {
namespace {

// Routing takes as long as reading so many values for each expert.
constexpr std::int64_t kRouteWork = 32;
constexpr float kExcluded = -std::numeric_limits<float>::infinity();

// Index of the largest of n values, the lowest on a tie; values that are not numbers never win over one that
// is.
std::int64_t largest(const float* values, std::int64_t n) {
  std::int64_t best = 0;
  for (std::int64_t i = 1; i < n; ++i) {
    if (values[i] > values[best] || (std::isnan(values[best]) && !std::isnan(values[i]))) best = i;
  }
  return best;
}

// Excludes all but the best groups by overwriting their scores.
void keep_best_groups(const RouterShape& shape, float* scores) {
  const std::int64_t size = shape.experts / shape.groups;
  std::vector<float> worth(static_cast<std::size_t>(shape.groups));
  for (std::int64_t g = 0; g < shape.groups; ++g) {
    const float* group = scores + g * size;
    const std::int64_t first = largest(group, size);
    float sum = group[first];
    if (shape.gating == Gating::kSigmoid && size > 1) {
      float second = kExcluded;
      for (std::int64_t i = 0; i < size; ++i) {
        if (i != first) second = std::max(second, group[i]);
      }
      sum += second;
    }
    worth[static_cast<std::size_t>(g)] = sum;
  }
  std::vector<bool> kept(static_cast<std::size_t>(shape.groups), false);
  for (std::int64_t i = 0; i < shape.used_groups; ++i) {
    const std::int64_t best = largest(worth.data(), shape.groups);
    kept[static_cast<std::size_t>(best)] = true;
    worth[static_cast<std::size_t>(best)] = kExcluded;
  }
  for (std::int64_t g = 0; g < shape.groups; ++g) {
    if (!kept[static_cast<std::size_t>(g)]) std::fill_n(scores + g * size, size, kExcluded);
  }
}

}  // namespace

void route(const RouterShape& shape, std::span<const float> logits, std::span<const float> bias,
           float* scratch, std::span<Choice> choices) {
  const std::int64_t n = shape.experts;
  float* probabilities = scratch;
  float* scores = scratch + n;
  if (shape.gating == Gating::kSigmoid) {
    for (std::int64_t i = 0; i < n; ++i)
      probabilities[i] = 1.0f / (1.0f + std::exp(-logits[static_cast<std::size_t>(i)]));
  } else {
    const float highest = *std::max_element(logits.begin(), logits.end());
    float sum = 0;
    for (std::int64_t i = 0; i < n; ++i)
      sum += probabilities[i] = std::exp(logits[static_cast<std::size_t>(i)] - highest);
    for (std::int64_t i = 0; i < n; ++i) probabilities[i] /= sum;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    scores[i] = probabilities[i] + (bias.empty() ? 0.0f : bias[static_cast<std::size_t>(i)]);
  }
  if (shape.groups > 1 && shape.used_groups < shape.groups) keep_best_groups(shape, scores);

  float sum = 0;
  for (Choice& choice : choices) {
    const std::int64_t best = largest(scores, n);
    scores[best] = kExcluded;
    choice = {static_cast<std::int32_t>(best), probabilities[best]};
    sum += choice.weight;
  }
  // The smallest normal float16 keeps a sum of nothing from dividing by zero.
  const float divisor = shape.normalise ? std::max(sum, 6.103515625e-5f) : 1.0f;
  for (Choice& choice : choices) choice.weight = choice.weight / divisor * shape.scale;
}

Result<std::unique_ptr<Mixture>> Mixture::load(const TensorLoader& tensors, const std::string& layer_prefix,
                                               const RouterShape& shape, std::int64_t hidden,
                                               std::int64_t inner, std::int64_t shared) {
  auto block = std::make_unique<Mixture>();
  block->shape_ = shape;
  const std::string prefix = layer_prefix + "ffn_";
  TRY_ASSIGN(block->router_, tensors.matrix(prefix + "gate_inp.weight", shape.experts, hidden));
  TRY_ASSIGN(block->bias_, tensors.optional_vector(layer_prefix + "exp_probs_b.bias", shape.experts));
  TRY_ASSIGN(block->gate_, tensors.stack(prefix + "gate_exps.weight", shape.experts, inner, hidden));
  TRY_ASSIGN(block->up_, tensors.stack(prefix + "up_exps.weight", shape.experts, inner, hidden));
  TRY_ASSIGN(block->down_, tensors.stack(prefix + "down_exps.weight", shape.experts, hidden, inner));
  if (shared > 0) {
    TRY_ASSIGN(block->shared_,
               FeedForwardWeights::load(tensors, prefix, "_shexp.weight", hidden, shared * inner));
  }
  return block;
}

InputForms Mixture::input_forms() const {
  return input_form(router_.type) | input_form(gate_.first.type) | input_form(up_.first.type) |
         (shared_ ? shared_->input_forms() : InputForms::kNone);
}

Mixture::Grouping Mixture::group(const Compute& compute, const float* logits, std::int64_t tokens,
                                 Scratch& scratch) const {
  const std::int64_t experts = shape_.experts, used = shape_.used, pairs = tokens * used;
  Grouping grouping;
  grouping.choices.resize(static_cast<std::size_t>(pairs));
  float* spare = scratch.workers.grow(compute.pool->size() * 2 * experts);
  compute.each(tokens, experts * kRouteWork, [&](std::int64_t t, int worker) {
    route(shape_, {logits + t * experts, static_cast<std::size_t>(experts)}, bias_,
          spare + worker * 2 * experts, {grouping.choices.data() + t * used, static_cast<std::size_t>(used)});
  });

  grouping.start.resize(static_cast<std::size_t>(experts) + 1);
  for (const Choice& choice : grouping.choices) ++grouping.start[static_cast<std::size_t>(choice.expert) + 1];
  std::partial_sum(grouping.start.begin(), grouping.start.end(), grouping.start.begin());
  std::vector<std::int32_t> next(grouping.start.begin(), grouping.start.end() - 1);
  grouping.token.resize(static_cast<std::size_t>(pairs));
  grouping.place.resize(static_cast<std::size_t>(pairs));
  grouping.sorted.resize(static_cast<std::size_t>(pairs));
  std::iota(grouping.sorted.begin(), grouping.sorted.end(), 0);
  for (std::size_t pair = 0; pair < grouping.place.size(); ++pair) {
    const std::int32_t place = next[static_cast<std::size_t>(grouping.choices[pair].expert)]++;
    grouping.place[pair] = place;
    grouping.token[static_cast<std::size_t>(place)] = static_cast<std::int32_t>(pair) / used;
  }
  return grouping;
}

// Runs the jobs given and those that add_jobs(expert, first sorted pair, how many) adds for each expert that
// was chosen.
template <class AddJobs>
void Mixture::multiply(const Compute& compute, const Grouping& grouping, std::vector<MatmulJob>& jobs,
                       const AddJobs& add_jobs) const {
  for (std::int64_t e = 0; e < shape_.experts; ++e) {
    const std::int64_t first = grouping.start[static_cast<std::size_t>(e)];
    const std::int64_t count = grouping.start[static_cast<std::size_t>(e) + 1] - first;
    if (count > 0) add_jobs(e, first, count);
  }
  matmul(compute.isa, jobs, *compute.pool);
  jobs.clear();
}

// Three products, each of all experts at once: the shared experts' gate and up fill the threads while the
// router decides.
void Mixture::run(const Compute& compute, const Activations& x, Scratch& scratch, float* out) const {
  const std::int64_t tokens = x.count(), used = shape_.used, pairs = tokens * used;
  const std::int64_t inner = gate_.first.rows, hidden = down_.first.rows;
  const std::int64_t shared_inner = shared_ ? shared_->gate.rows : 0;
  float* gate = scratch.a.grow(pairs * inner + tokens * shared_inner);
  float* up = scratch.b.grow(pairs * inner + tokens * shared_inner);
  float *const shared_gate = gate + pairs * inner, *const shared_up = up + pairs * inner;
  float* logits = scratch.d.grow(tokens * shape_.experts);
  std::vector<MatmulJob> jobs{{router_, &x, nullptr, tokens, logits, shape_.experts}};
  if (shared_) {
    jobs.push_back({shared_->gate, &x, nullptr, tokens, shared_gate, shared_inner});
    jobs.push_back({shared_->up, &x, nullptr, tokens, shared_up, shared_inner});
  }
  matmul(compute.isa, jobs, *compute.pool);
  jobs.clear();

  const Grouping grouping = group(compute, logits, tokens, scratch);
  multiply(compute, grouping, jobs, [&](std::int64_t e, std::int64_t first, std::int64_t count) {
    const std::int32_t* vectors = grouping.token.data() + first;
    jobs.push_back({gate_[e], &x, vectors, count, gate + first * inner, inner});
    jobs.push_back({up_[e], &x, vectors, count, up + first * inner, inner});
  });

  std::vector<GatedVectors> gated{{gate, up, pairs, inner, input_form(down_.first.type), &scratch.inner}};
  if (shared_) {
    gated.push_back({shared_gate, shared_up, tokens, shared_inner, input_form(shared_->down.type),
                     &scratch.shared_inner});
    jobs.push_back({shared_->down, &scratch.shared_inner, nullptr, tokens, out, hidden});
  } else {
    std::fill_n(out, tokens * hidden, 0.0f);
  }
  activate(compute, gated, scratch.workers);
  float* results = scratch.c.grow(pairs * hidden);
  multiply(compute, grouping, jobs, [&](std::int64_t e, std::int64_t first, std::int64_t count) {
    const std::int32_t* vectors = grouping.sorted.data() + first;
    jobs.push_back({down_[e], &scratch.inner, vectors, count, results + first * hidden, hidden});
  });
  // A token's experts are added in its own order of preference, whatever the others of the pass chose.
  compute.each(tokens, used * hidden, [&](std::int64_t t, int) {
    for (std::int64_t pair = t * used; pair < (t + 1) * used; ++pair) {
      compute.vector->add_scaled(out + t * hidden,
                                 results + grouping.place[static_cast<std::size_t>(pair)] * hidden,
                                 grouping.choices[static_cast<std::size_t>(pair)].weight, hidden);
    }
  });
}

}  // namespace aloud
