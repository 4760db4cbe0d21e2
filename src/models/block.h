// What the layers of a decoder have in common: the tokens of one pass, shared memory, and the two kinds of
// block.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kernels/attention.h"
#include "kernels/kv_layout.h"
#include "kernels/matmul.h"
#include "kernels/vector.h"
#include "models/token_role.h"

namespace aloud {

// What every computation needs: an instruction set and threads. Borrows both.
struct Compute {
  Isa isa;
  ThreadPool* pool;
  const VectorKernels* vector;

  // What is worth another thread: arithmetic on so many values, some microseconds.
  static constexpr std::int64_t kItemValues = 16 << 10;

  // Calls body(i, worker) for i in [0, n), each i arithmetic on about so many values; worker as in
  // ThreadPool::run. A small loop stays on the calling thread.
  template <class Body>
  void each(std::int64_t n, std::int64_t values, const Body& body) const {
    const std::int64_t most = std::max<std::int64_t>(1, kItemValues / std::max<std::int64_t>(1, values));
    const std::int64_t items = (n + most - 1) / most;
    pool->run(items, [&](std::int64_t item, int worker) {
      const std::int64_t end = (item + 1) * n / items;
      for (std::int64_t i = item * n / items; i < end; ++i) body(i, worker);
    });
  }
};

// Consecutive tokens of one sequence in a pass, all of one role.
struct PassSequence {
  std::span<std::byte* const> pages;
  std::int64_t position = 0;     // of the first token
  std::int64_t first_token = 0;  // its index in the pass
  std::int64_t tokens = 0;
  TokenRole role = TokenRole::kPrompt;
};

// Consecutive tokens of a sequence that lie in one page: what one thread writes to the cache, so that threads
// seldom write to the same cache line.
struct TokenRun {
  std::byte* page;
  std::int64_t slot;         // of the first token in the page
  std::int64_t first_token;  // its index in the pass
  std::int64_t tokens;
};

// All tokens of one pass through the layers, with the angles of their positions.
struct Pass {
  std::vector<PassSequence> sequences;  // those of generated tokens first
  std::vector<std::int64_t> positions;  // [tokens]
  std::vector<float> cosine, sine;      // [tokens][rope width / 2]
  std::int64_t tokens() const { return static_cast<std::int64_t>(positions.size()); }
  std::span<const PassSequence> sequences_of(TokenRole role) const;
  std::vector<TokenRun> runs() const;
};

// Memory that the blocks of all layers share; each block uses it anew.
struct Scratch {
  Activations activations, inner, shared_inner;
  Buffer<float> a, b, c, d, attention_states;
  Buffer<float> workers;  // as many values for each thread as it needs
  Buffer<std::int32_t> indices;
  std::vector<float> attention;
  std::vector<KvPage> pages;  // of one layout: that of the model's expanded keys and values
};

// Fills x with `count` vectors, each of which fill(i, vector) writes on some thread before it is taken into
// the given forms.
template <class Fill>
void fill_activations(const Compute& compute, Scratch& scratch, std::int64_t count, std::int64_t columns,
                      InputForms forms, Activations& x, const Fill& fill) {
  x.reset(compute.isa, count, columns, forms);
  float* vectors = scratch.workers.grow(compute.pool->size() * columns);
  compute.each(count, columns, [&](std::int64_t i, int worker) {
    float* vector = vectors + worker * columns;
    fill(i, vector);
    x.set(i, vector);
  });
}

// Mixes tokens: reads the normed hidden states, appends to the cache and writes what is to be added to them.
class AttentionBlock {
 public:
  virtual ~AttentionBlock() = default;
  virtual InputForms input_forms() const = 0;  // that x must have
  // Scratch memory that steps of up to so many tokens of one sequence take beyond some rows for each of them.
  virtual std::int64_t scratch_bytes(std::int64_t tokens, std::int64_t context, int threads) const = 0;
  // x: [tokens][hidden]; out: [tokens][hidden].
  virtual void run(const Compute& compute, const Pass& pass, std::int64_t layer, const Activations& x,
                   Scratch& scratch, float* out) const = 0;
};

// Works on each token by itself.
class FeedForwardBlock {
 public:
  virtual ~FeedForwardBlock() = default;
  virtual InputForms input_forms() const = 0;
  // x: [tokens][hidden]; out: [tokens][hidden].
  virtual void run(const Compute& compute, const Activations& x, Scratch& scratch, float* out) const = 0;
};

}  // namespace aloud
