// One attention tile, written once over Simd; each instruction set's file includes its Simd first, then this.
#pragma once

#include "kernels/attention_tile.h"
#include "kernels/simd_exp.h"

namespace aloud {
namespace {

constexpr float kNoScore = -1e30f;

// Widens `rows` rows of float16 to float32, zeros behind each up to padded.
void widen(const std::uint16_t* in, std::int64_t in_stride, std::int64_t rows, std::int64_t width,
           std::int64_t padded, float* out) {
  constexpr int L = Simd::kLanes;
  for (std::int64_t r = 0; r < rows; ++r, in += in_stride, out += padded) {
    std::int64_t i = 0;
    for (; i + L <= width; i += L) Simd::load_half(in + i).store(out + i);
    if (i == padded) continue;
    std::uint16_t tail[kAttentionPad] = {};
    for (std::int64_t j = i; j < width; ++j) tail[j - i] = in[j];
    for (std::int64_t j = i; j < padded; j += L) Simd::load_half(tail + (j - i)).store(out + j);
  }
}

// out[r][t] = q[r] . k[t] for R x T rows of `width` floats. One chain of additions per pair, whatever R and
// T.
template <int R, int T>
void dot_block(const float* q, const float* k, std::int64_t width, float* out) {
  Simd sum[R][T];
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) sum[r][t] = Simd::set(0);
  }
  for (std::int64_t i = 0; i < width; i += Simd::kLanes) {
    Simd keys[T];
    for (int t = 0; t < T; ++t) keys[t] = Simd::load(k + t * width + i);
    for (int r = 0; r < R; ++r) {
      const Simd query = Simd::load(q + r * width + i);
      for (int t = 0; t < T; ++t) sum[r][t] = multiply_add(query, keys[t], sum[r][t]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int t = 0; t < T; ++t) out[r * kPageTokens + t] = sum[r][t].sum();
  }
}

template <int R>
void dot_rows(const float* q, const float* k, std::int64_t width, std::int64_t tokens, float* out) {
  std::int64_t t = 0;
  for (; t + 4 <= tokens; t += 4) dot_block<R, 4>(q, k + t * width, width, out + t);
  for (; t < tokens; ++t) dot_block<R, 1>(q, k + t * width, width, out + t);
}

// out[r] += sum over t of p[r][t] * v[t], t in order, for R rows and D vectors of columns.
template <int R, int D>
void mix_block(const float* p, const float* v, std::int64_t v_stride, std::int64_t width, std::int64_t tokens,
               float* out) {
  Simd sum[R][D];
  for (int r = 0; r < R; ++r) {
    for (int d = 0; d < D; ++d) sum[r][d] = Simd::load(out + r * width + d * Simd::kLanes);
  }
  for (std::int64_t t = 0; t < tokens; ++t, v += v_stride) {
    Simd values[D];
    for (int d = 0; d < D; ++d) values[d] = Simd::load(v + d * Simd::kLanes);
    for (int r = 0; r < R; ++r) {
      const Simd weight = Simd::set(p[r * kPageTokens + t]);
      for (int d = 0; d < D; ++d) sum[r][d] = multiply_add(weight, values[d], sum[r][d]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int d = 0; d < D; ++d) sum[r][d].store(out + r * width + d * Simd::kLanes);
  }
}

template <int R>
void mix_rows(const float* p, const float* v, std::int64_t v_stride, std::int64_t width, std::int64_t tokens,
              float* out) {
  constexpr int L = Simd::kLanes;
  std::int64_t d = 0;
  for (; d + 4 * L <= width; d += 4 * L) mix_block<R, 4>(p, v + d, v_stride, width, tokens, out + d);
  for (; d < width; d += L) mix_block<R, 1>(p, v + d, v_stride, width, tokens, out + d);
}

// Turns the scores of one row into weights relative to the running maximum. Tokens past `visible` weigh
// nothing.
void soften(float* scores, std::int64_t visible, float scale, float& running_maximum, float& running_sum,
            float* out, std::int64_t width) {
  constexpr int L = Simd::kLanes;
  for (std::int64_t t = visible; t < kPageTokens; ++t) scores[t] = kNoScore;
  Simd highest = Simd::set(running_maximum);
  for (int t = 0; t < kPageTokens; t += L) {
    const Simd score = maximum(Simd::load(scores + t) * Simd::set(scale), Simd::set(kNoScore));
    score.store(scores + t);
    highest = maximum(highest, score);
  }
  const float now = highest.maximum();
  Simd total = Simd::set(0);
  for (int t = 0; t < kPageTokens; t += L) {
    const Simd weight = exponential(Simd::load(scores + t) - Simd::set(now));
    weight.store(scores + t);
  }
  for (std::int64_t t = visible; t < kPageTokens; ++t) scores[t] = 0;
  for (int t = 0; t < kPageTokens; t += L) total = total + Simd::load(scores + t);
  if (now > running_maximum) {
    const Simd shrink = exponential(Simd::set(running_maximum - now));
    float factor[L];
    shrink.store(factor);
    running_sum *= factor[0];
    for (std::int64_t i = 0; i < width; i += L) (Simd::load(out + i) * shrink).store(out + i);
    running_maximum = now;
  }
  running_sum += total.sum();
}

void attend_tile(const AttentionShape& shape, const AttentionJob& job, const AttentionTile& tile,
                 float* scratch) {
  const std::int64_t group = shape.heads / shape.kv_heads;
  const std::int64_t key_width = padded_width(shape.key_width), value_width = padded_width(shape.value_width);
  const bool values_in_keys = shape.layout.value_width == 0;
  float* keys = scratch;                                // [kPageTokens][key_width]
  float* values = keys + kPageTokens * key_width;       // [kPageTokens][value_width]
  float* queries = values + kPageTokens * value_width;  // [rows][key_width]
  float* out = queries + kAttentionRows * key_width;    // [rows][value_width]
  float* scores = out + kAttentionRows * value_width;   // [rows][kPageTokens]
  float* running_maximum = scores + kAttentionRows * kPageTokens;
  float* running_sum = running_maximum + kAttentionRows;

  const auto token_of = [&](std::int64_t row) { return (tile.first_row + row) / group; };
  const auto head_of = [&](std::int64_t row) {
    return tile.kv_head * group + (tile.first_row + row) % group;
  };
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    const float* query = job.queries + (token_of(r) * shape.heads + head_of(r)) * shape.key_width;
    for (std::int64_t i = 0; i < key_width; ++i)
      queries[r * key_width + i] = i < shape.key_width ? query[i] : 0;
    for (std::int64_t i = 0; i < value_width; ++i) out[r * value_width + i] = 0;
    running_maximum[r] = kNoScore;
    running_sum[r] = 0;
  }

  const std::int64_t end = job.first + token_of(tile.rows - 1) + 1;  // positions that the last row sees
  for (std::int64_t start = 0; start < end; start += kPageTokens) {
    const std::int64_t tokens = end - start < kPageTokens ? end - start : kPageTokens;
    const std::uint16_t* page = job.pages[static_cast<std::size_t>(start / kPageTokens)];
    widen(page + shape.layout.key_offset(job.layer) + tile.kv_head * shape.key_width, shape.layout.key_width,
          tokens, shape.key_width, key_width, keys);
    if (!values_in_keys) {
      widen(page + shape.layout.value_offset(job.layer) + tile.kv_head * shape.value_width,
            shape.layout.value_width, tokens, shape.value_width, value_width, values);
    }
    const float* value_rows = values_in_keys ? keys : values;
    const std::int64_t value_stride = values_in_keys ? key_width : value_width;
    std::int64_t r = 0;
    for (; r + 4 <= tile.rows; r += 4)
      dot_rows<4>(queries + r * key_width, keys, key_width, tokens, scores + r * kPageTokens);
    for (; r < tile.rows; ++r)
      dot_rows<1>(queries + r * key_width, keys, key_width, tokens, scores + r * kPageTokens);
    for (r = 0; r < tile.rows; ++r) {
      const std::int64_t seen = job.first + token_of(r) + 1 - start;
      const std::int64_t visible = seen < 0 ? 0 : seen < tokens ? seen : tokens;
      soften(scores + r * kPageTokens, visible, shape.scale, running_maximum[r], running_sum[r],
             out + r * value_width, value_width);
    }
    for (r = 0; r + 4 <= tile.rows; r += 4) {
      mix_rows<4>(scores + r * kPageTokens, value_rows, value_stride, value_width, tokens,
                  out + r * value_width);
    }
    for (; r < tile.rows; ++r) {
      mix_rows<1>(scores + r * kPageTokens, value_rows, value_stride, value_width, tokens,
                  out + r * value_width);
    }
  }
  for (std::int64_t r = 0; r < tile.rows; ++r) {
    float* result = job.out + (token_of(r) * shape.heads + head_of(r)) * shape.value_width;
    for (std::int64_t i = 0; i < shape.value_width; ++i)
      result[i] = out[r * value_width + i] / running_sum[r];
  }
}

}  // namespace
}  // namespace aloud
