// Routes tokens to experts and runs each expert once for all of its tokens.
#include "models/mixture.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace aloud {
namespace {

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
               DenseFeedForward::load(tensors, prefix, "_shexp.weight", hidden, shared * inner));
  }
  return block;
}

InputForms Mixture::input_forms() const {
  return input_form(router_.type) | input_form(gate_.first.type) | input_form(up_.first.type) |
         (shared_ != nullptr ? shared_->input_forms() : InputForms::kNone);
}

// Expert e works on its tokens together: the pairs (token, choice) are sorted by expert, keeping their order.
void Mixture::run_experts(const Compute& compute, const Activations& x, std::span<const Choice> choices,
                          Scratch& scratch, float* out) const {
  const std::int64_t pairs = static_cast<std::int64_t>(choices.size()), used = shape_.used;
  const std::int64_t inner = gate_.first.rows, hidden = down_.first.rows;
  std::vector<std::int64_t> start(static_cast<std::size_t>(shape_.experts) + 1);
  for (const Choice& choice : choices) ++start[static_cast<std::size_t>(choice.expert) + 1];
  for (std::size_t e = 1; e < start.size(); ++e) start[e] += start[e - 1];
  std::vector<std::int64_t> next(start.begin(), start.end() - 1);
  std::vector<std::int64_t> place(choices.size());  // of a pair among the sorted ones
  std::int32_t* tokens = grow(scratch.indices, pairs);
  for (std::int64_t p = 0; p < pairs; ++p) {
    place[static_cast<std::size_t>(p)] =
        next[static_cast<std::size_t>(choices[static_cast<std::size_t>(p)].expert)]++;
    tokens[place[static_cast<std::size_t>(p)]] = static_cast<std::int32_t>(p / used);
  }

  float* gate = grow(scratch.a, pairs * inner);
  float* up = grow(scratch.b, pairs * inner);
  std::vector<MatmulJob> jobs;
  const auto each_expert = [&](const auto& add_jobs) {
    jobs.clear();
    for (std::int64_t e = 0; e < shape_.experts; ++e) {
      const std::int64_t first = start[static_cast<std::size_t>(e)],
                         count = start[static_cast<std::size_t>(e) + 1] - first;
      if (count > 0) add_jobs(e, first, count);
    }
    matmul(compute.isa, jobs, *compute.pool);
  };
  each_expert([&](std::int64_t e, std::int64_t first, std::int64_t count) {
    jobs.push_back({gate_[e], &x, tokens + first, count, gate + first * inner, inner});
    jobs.push_back({up_[e], &x, tokens + first, count, up + first * inner, inner});
  });
  compute.each(pairs, [&](std::int64_t p) {
    compute.vector->swiglu(gate + p * inner, up + p * inner, inner, gate + p * inner);
  });
  scratch.inner.assign(compute.isa, gate, pairs, inner, inner, input_form(down_.first.type), *compute.pool);
  for (std::int64_t p = 0; p < pairs; ++p) tokens[p] = static_cast<std::int32_t>(p);
  float* results = grow(scratch.c, pairs * hidden);
  each_expert([&](std::int64_t e, std::int64_t first, std::int64_t count) {
    jobs.push_back({down_[e], &scratch.inner, tokens + first, count, results + first * hidden, hidden});
  });
  compute.each(x.count(), [&](std::int64_t t) {
    std::memset(out + t * hidden, 0, static_cast<std::size_t>(hidden) * sizeof(float));
    for (std::int64_t p = t * used; p < (t + 1) * used; ++p) {
      compute.vector->add_scaled(out + t * hidden, results + place[static_cast<std::size_t>(p)] * hidden,
                                 choices[static_cast<std::size_t>(p)].weight, hidden);
    }
  });
}

void Mixture::run(const Compute& compute, const Activations& x, Scratch& scratch, float* out) const {
  const std::int64_t tokens = x.count(), experts = shape_.experts, hidden = down_.first.rows;
  float* logits = grow(scratch.a, tokens * experts);
  const MatmulJob job[] = {{router_, &x, nullptr, tokens, logits, experts}};
  matmul(compute.isa, job, *compute.pool);
  std::vector<Choice> choices(static_cast<std::size_t>(tokens * shape_.used));
  std::vector<float> spare(static_cast<std::size_t>(2 * experts));
  for (std::int64_t t = 0; t < tokens; ++t) {
    route(shape_, {logits + t * experts, static_cast<std::size_t>(experts)}, bias_, spare.data(),
          {choices.data() + t * shape_.used, static_cast<std::size_t>(shape_.used)});
  }
  run_experts(compute, x, choices, scratch, out);
  if (shared_ == nullptr) return;
  float* shared = grow(scratch.d, tokens * hidden);
  shared_->run(compute, x, scratch, shared);
  compute.each(tokens,
               [&](std::int64_t t) { compute.vector->add(out + t * hidden, shared + t * hidden, hidden); });
}

}  // namespace aloud
