// The expanded form of latent attention: keys and values of all heads, a window of positions at a time.
#include <algorithm>
#include <cstring>

#include "models/latent_attention.h"

namespace aloud {
namespace {

constexpr std::int64_t kFloatBytes = sizeof(float);

// Pages that are expanded at a time: a split of one long sequence, or several short sequences.
constexpr std::int64_t kWindowPages = kSplitTokens / kPageTokens;

}  // namespace

// Positions [begin, begin + tokens) of a sequence.
struct LatentAttention::Window {
  const PassSequence* sequence;
  std::int64_t begin;       // a multiple of kSplitTokens
  std::int64_t tokens;      // at most kSplitTokens
  std::int64_t first_page;  // of those that are expanded at a time

  std::int64_t pages() const { return pages_for(tokens); }
};

// Whatever the cache's type: expanded pages live for a moment, and 16 bits are the fastest to read.
AttentionShape LatentAttention::expanded_shape() const {
  const DType type = shape_.layout.type == DType::kBF16 ? DType::kBF16 : DType::kF16;
  const KvLayout layout{1, shape_.heads, query_width(), shape_.value_width, type};
  return {layout, shape_.heads, shape_.value_width, shape_.scale};
}

std::int64_t LatentAttention::scratch_bytes(std::int64_t tokens, std::int64_t context, int threads) const {
  const AttentionShape expanded = expanded_shape();
  const std::int64_t pages = std::min(kWindowPages, pages_for(context));
  const std::int64_t state_floats =
      context > kSplitTokens ? tokens * shape_.heads * expanded.state_width() : 0;
  const std::int64_t latent_floats = pages * kPageTokens * padded_width(shape_.layout.key_width);
  const std::int64_t page_floats = kPageTokens * shape_.heads * (query_width() + shape_.value_width);
  return pages * expanded.layout.page_bytes() + (state_floats + latent_floats + page_floats) * kFloatBytes +
         std::max(attention_scratch_bytes(expanded, tokens, context, threads),
                  attention_scratch_bytes(absorbed_shape(), tokens, context, threads));
}

// Fills scratch.pages from the latents of the windows.
void LatentAttention::expand(const Compute& compute, std::span<const Window> windows, std::int64_t layer,
                             Scratch& scratch) const {
  struct Page {
    const std::byte* latents;
    std::int64_t tokens;
  };
  std::vector<Page> pages;
  for (const Window& window : windows) {
    for (std::int64_t t = 0; t < window.tokens; t += kPageTokens) {
      const std::int64_t page = (window.begin + t) / kPageTokens;
      pages.push_back(
          {window.sequence->pages[static_cast<std::size_t>(page)], std::min(kPageTokens, window.tokens - t)});
    }
  }
  const KvLayout layout = expanded_shape().layout;
  while (scratch.pages.size() < pages.size()) scratch.pages.push_back(make_kv_page(layout));

  const std::int64_t count = std::ssize(pages) * kPageTokens;
  const std::int64_t stride = padded_width(shape_.layout.key_width);
  float* latents = scratch.b.grow(count * stride);
  compute.each(std::ssize(pages), kPageTokens * stride, [&](std::int64_t p, int) {
    read_keys(compute.isa, shape_.layout, pages[static_cast<std::size_t>(p)].latents, layer, 0,
              latents + p * kPageTokens * stride);
  });
  scratch.inner.assign(compute.isa, latents, count, shape_.kv_rank, stride,
                       input_form(key_expand_[0].type) | input_form(value_expand_[0].type), *compute.pool);
  std::int32_t* indices = scratch.indices.grow(count);
  for (std::int64_t i = 0; i < count; ++i) indices[i] = static_cast<std::int32_t>(i);

  // Page by page, so that what was multiplied is still near when it is stored.
  const std::int64_t heads = shape_.heads, key_row = heads * query_width(),
                     value_row = heads * shape_.value_width;
  float* keys = scratch.d.grow(kPageTokens * (key_row + value_row));
  float* values = keys + kPageTokens * key_row;
  for (std::size_t p = 0; p < pages.size(); ++p) {
    const std::int64_t first = static_cast<std::int64_t>(p) * kPageTokens, tokens = pages[p].tokens;
    std::vector<MatmulJob> jobs;
    for (std::int64_t h = 0; h < heads; ++h) {
      jobs.push_back({key_expand_[static_cast<std::size_t>(h)], &scratch.inner, indices + first, tokens,
                      keys + h * query_width(), key_row});
      jobs.push_back({value_expand_[static_cast<std::size_t>(h)], &scratch.inner, indices + first, tokens,
                      values + h * shape_.value_width, value_row});
    }
    matmul(compute.isa, jobs, *compute.pool);
    compute.each(heads, tokens * (query_width() + shape_.value_width), [&](std::int64_t h, int) {
      for (std::int64_t t = 0; t < tokens; ++t) {
        float* key = keys + t * key_row + h * query_width();
        std::memcpy(key + shape_.nope_width, latents + (first + t) * stride + shape_.kv_rank,
                    static_cast<std::size_t>(shape_.rope_width * kFloatBytes));
        compute.vector->store_kv(layout.slot(scratch.pages[p].get(), 0, h, t), key,
                                 values + t * value_row + h * shape_.value_width);
      }
    });
  }
}

void LatentAttention::attend_windows(const Compute& compute, std::span<const Window> windows,
                                     const float* queries, Scratch& scratch, float* values) const {
  const AttentionShape attention = expanded_shape();
  std::byte* pages[kWindowPages];
  for (std::size_t p = 0; p < std::min<std::size_t>(kWindowPages, scratch.pages.size()); ++p)
    pages[p] = scratch.pages[p].get();
  std::vector<AttentionJob> jobs;
  for (const Window& window : windows) {
    const PassSequence& sequence = *window.sequence;
    const std::int64_t first = sequence.first_token * shape_.heads;
    AttentionJob job{{pages + window.first_page, static_cast<std::size_t>(window.pages())},
                     0,
                     sequence.position,
                     sequence.tokens,
                     queries + first * query_width(),
                     values + first * shape_.value_width};
    job.begin = window.begin;
    if (sequence.position + sequence.tokens > kSplitTokens)
      job.state = scratch.attention_states.data() + first * attention.state_width();
    jobs.push_back(job);
  }
  attend(compute.isa, attention, jobs, *compute.pool, scratch.attention);
}

void LatentAttention::attend_expanded(const Compute& compute, const Pass& pass, std::int64_t layer,
                                      const float* queries, Scratch& scratch, float* values) const {
  const std::span<const PassSequence> sequences = pass.sequences_of(TokenRole::kPrompt);
  const auto end = [](const PassSequence& sequence) { return sequence.position + sequence.tokens; };
  // More than one window: what the first gave waits for the next.
  if (std::ranges::any_of(sequences, [&](const PassSequence& s) { return end(s) > kSplitTokens; }))
    scratch.attention_states.grow(pass.tokens() * shape_.heads * expanded_shape().state_width());
  std::vector<Window> windows;
  std::int64_t pages = 0;
  const auto flush = [&] {
    if (windows.empty()) return;
    expand(compute, windows, layer, scratch);
    attend_windows(compute, windows, queries, scratch, values);
    windows.clear();
    pages = 0;
  };
  for (const PassSequence& sequence : sequences) {
    for (std::int64_t begin = 0; begin < end(sequence); begin += kSplitTokens) {
      Window window{&sequence, begin, std::min(kSplitTokens, end(sequence) - begin), 0};
      if (pages + window.pages() > kWindowPages) flush();
      window.first_page = pages;
      pages += window.pages();
      windows.push_back(window);
    }
  }
  flush();
}

}  // namespace aloud
