// Attention over one split of keys, written once over Simd; each instruction set's file includes its Simd
// first, then this.
#pragma once

#include "kernels/attention_tile.h"
#include "kernels/kv_layout.h"
#include "kernels/micro_gemm.h"
#include "kernels/simd_exp.h"

namespace aloud {
namespace {

constexpr float kNoScore = -1e30f;

// e^x, the same that the lanes of exponential() give.
float exponential_of(float x) {
  float lanes[Simd::kLanes];
  exponential(Simd::set(x)).store(lanes);
  return lanes[0];
}

void multiply_all(float* x, float factor, std::int64_t n) {
  const Simd factors = Simd::set(factor);
  for (std::int64_t i = 0; i < n; i += Simd::kLanes) (Simd::load(x + i) * factors).store(x + i);
}

// Turns the scores of one row into weights relative to the running maximum. Tokens past `visible` weigh
// nothing.
void soften(float* scores, std::int64_t visible, float scale, float* state, std::int64_t padded) {
  constexpr int L = Simd::kLanes;
  float& running_maximum = state[padded];
  float& running_sum = state[padded + 1];
  for (std::int64_t t = visible; t < kPageTokens; ++t) scores[t] = kNoScore;
  Simd highest = Simd::set(running_maximum);
  for (int t = 0; t < kPageTokens; t += L) {
    const Simd score = maximum(Simd::load(scores + t) * Simd::set(scale), Simd::set(kNoScore));
    score.store(scores + t);
    highest = maximum(highest, score);
  }
  const float now = highest.maximum();
  for (int t = 0; t < kPageTokens; t += L) {
    exponential(Simd::load(scores + t) - Simd::set(now)).store(scores + t);
  }
  for (std::int64_t t = visible; t < kPageTokens; ++t) scores[t] = 0;
  Simd total = Simd::set(0);
  for (int t = 0; t < kPageTokens; t += L) total = total + Simd::load(scores + t);
  if (now > running_maximum) {
    const float shrink = exponential_of(running_maximum - now);
    running_sum *= shrink;
    multiply_all(state, shrink, padded);
    running_maximum = now;
  }
  running_sum += total.sum();
}

// values[token][dimension] from a page's keys [dimension][token]: squares of lanes are turned by zipping
// their rows log2(kLanes) times, first half with second half. Dimensions past the width become zeros.
template <class Matrix>
void take_values(const Matrix& keys, std::int64_t width, std::int64_t padded, float* values) {
  constexpr int L = Simd::kLanes;
  for (std::int64_t first = 0; first < padded; first += L) {
    for (std::int64_t token = 0; token < kPageTokens; token += L) {
      Simd rows[L], zipped[L];
      for (int i = 0; i < L; ++i) rows[i] = first + i < width ? keys.load(first + i, token) : Simd::set(0);
      for (int step = 1; step < L; step *= 2) {
        for (int i = 0; i < L / 2; ++i) zip(rows[i], rows[i + L / 2], zipped[2 * i], zipped[2 * i + 1]);
        for (int i = 0; i < L; ++i) rows[i] = zipped[i];
      }
      for (int i = 0; i < L; ++i) rows[i].store(values + (token + i) * padded + first);
    }
  }
}

// The pages of one type: how keys and values are read.
template <class Keys, class Values>
void attend_pages(const SplitTile& tile) {
  const std::int64_t padded = tile.padded_value_width;
  float* scores = tile.scratch;                     // [rows][kPageTokens]
  float* taken = scores + kTileRows * kPageTokens;  // [kPageTokens][padded]
  float* score_rows[kTileRows];
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    score_rows[r] = scores + r * kPageTokens;
    for (std::int64_t i = 0; i < padded; ++i) tile.states[r][i] = 0;
    tile.states[r][padded] = kNoScore;
    tile.states[r][padded + 1] = 0;
  }
  const std::int64_t end = tile.seen[tile.rows - 1];
  std::int64_t row = 0;  // the first that sees something of the page
  for (std::int64_t start = 0; start < end; start += kPageTokens) {
    while (tile.seen[row] <= start) ++row;
    const std::int64_t rows = tile.rows - row;
    const std::int64_t tokens = end - start < kPageTokens ? end - start : kPageTokens;
    const std::byte* page = tile.pages[start / kPageTokens];
    const Keys keys = Keys::of(page + tile.key_offset, tile.key_width, kPageTokens);
    Ahead values_ahead, keys_ahead;
    if (!tile.values_in_keys) {
      const std::byte* const values = page + tile.value_offset;
      values_ahead = {values, values + Values::bytes(padded, kPageTokens)};
    }
    if (start + kPageTokens < end) {
      const std::byte* const next = tile.pages[start / kPageTokens + 1] + tile.key_offset;
      keys_ahead = {next, next + Keys::bytes(tile.key_width, kPageTokens)};
    }
    multiply<false>(tile.queries + row, rows, keys, tile.key_width, (tokens + 15) / 16 * 16, score_rows + row,
                    values_ahead);
    for (std::int64_t r = row; r < tile.rows; ++r) {
      const std::int64_t seen = tile.seen[r] - start;
      soften(score_rows[r], seen < tokens ? seen : tokens, tile.scale, tile.states[r], padded);
    }
    if (tile.values_in_keys) {
      take_values(keys, tile.value_width, padded, taken);
      multiply<true>(score_rows + row, rows, FloatMatrix{taken, padded}, tokens, padded, tile.states + row,
                     keys_ahead);
    } else {
      const Values values = Values::of(page + tile.value_offset, kPageTokens, padded);
      multiply<true>(score_rows + row, rows, values, tokens, padded, tile.states + row, keys_ahead);
    }
  }
}

void read_head(DType type, const std::byte* keys, std::int64_t key_width, std::int64_t width,
               std::int64_t padded, float* out) {
  switch (type) {
    case DType::kBF16:
      return take_values(BfloatMatrix::of(keys, key_width, kPageTokens), width, padded, out);
    case DType::kQ8_0:
      return take_values(QuantKeys::of(keys, key_width, kPageTokens), width, padded, out);
    default:
      return take_values(HalfMatrix::of(keys, key_width, kPageTokens), width, padded, out);
  }
}

void attend_split(const SplitTile& tile) {
  switch (tile.type) {
    case DType::kBF16:
      return attend_pages<BfloatMatrix, BfloatMatrix>(tile);
    case DType::kQ8_0:
      return attend_pages<QuantKeys, QuantValues>(tile);
    default:
      return attend_pages<HalfMatrix, HalfMatrix>(tile);
  }
}

void merge_states(float* into, const float* from, std::int64_t padded) {
  const float highest = into[padded] > from[padded] ? into[padded] : from[padded];
  const float old_share = exponential_of(into[padded] - highest),
              new_share = exponential_of(from[padded] - highest);
  const Simd old_factor = Simd::set(old_share), new_factor = Simd::set(new_share);
  for (std::int64_t i = 0; i < padded; i += Simd::kLanes) {
    multiply_add(Simd::load(from + i), new_factor, Simd::load(into + i) * old_factor).store(into + i);
  }
  into[padded] = highest;
  into[padded + 1] = into[padded + 1] * old_share + from[padded + 1] * new_share;
}

void finish_state(const float* state, std::int64_t width, std::int64_t padded, float* out) {
  const float sum = state[padded + 1];
  for (std::int64_t i = 0; i < width; ++i) out[i] = state[i] / sum;
}

constexpr AttentionKernels kAttentionKernels = {attend_split, merge_states, finish_state, read_head};

}  // namespace
}  // namespace aloud
