// Small matrix products over Simd: a few rows of floats times a matrix that is converted on its way into
// registers. Each instruction set's file includes its Simd first, then this.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aloud {
namespace {

// The right-hand matrices [depth][lanes]: load(k, lane) is one vector of row k. of() finds them in the memory
// of a page, bytes() is how much of it they take.
struct FloatMatrix {
  const float* data;
  std::int64_t lanes;
  Simd load(std::int64_t k, std::int64_t lane) const { return Simd::load(data + k * lanes + lane); }
};

struct HalfMatrix {
  const std::uint16_t* data;
  std::int64_t lanes;
  static HalfMatrix of(const std::byte* at, std::int64_t, std::int64_t lanes) {
    return {reinterpret_cast<const std::uint16_t*>(at), lanes};
  }
  static std::int64_t bytes(std::int64_t depth, std::int64_t lanes) { return depth * lanes * 2; }
  Simd load(std::int64_t k, std::int64_t lane) const { return Simd::load_half(data + k * lanes + lane); }
};

struct BfloatMatrix {
  const std::uint16_t* data;
  std::int64_t lanes;
  static BfloatMatrix of(const std::byte* at, std::int64_t, std::int64_t lanes) {
    return {reinterpret_cast<const std::uint16_t*>(at), lanes};
  }
  static std::int64_t bytes(std::int64_t depth, std::int64_t lanes) { return depth * lanes * 2; }
  Simd load(std::int64_t k, std::int64_t lane) const { return Simd::load_bfloat(data + k * lanes + lane); }
};

// int8 quants, then float16 scales; 32 rows share a scale in each lane.
struct QuantKeys {
  const std::int8_t* quants;
  const std::uint16_t* scales;
  std::int64_t lanes;
  static QuantKeys of(const std::byte* at, std::int64_t depth, std::int64_t lanes) {
    return {reinterpret_cast<const std::int8_t*>(at),
            reinterpret_cast<const std::uint16_t*>(at + depth * lanes), lanes};
  }
  static std::int64_t bytes(std::int64_t depth, std::int64_t lanes) { return depth * lanes / 16 * 17; }
  Simd load(std::int64_t k, std::int64_t lane) const {
    return Simd::load_int8(quants + k * lanes + lane) * Simd::load_half(scales + k / 32 * lanes + lane);
  }
};

// The same where 32 lanes share a scale in each row.
struct QuantValues {
  const std::int8_t* quants;
  const std::uint16_t* scales;
  std::int64_t lanes;
  static QuantValues of(const std::byte* at, std::int64_t depth, std::int64_t lanes) {
    return {reinterpret_cast<const std::int8_t*>(at),
            reinterpret_cast<const std::uint16_t*>(at + depth * lanes), lanes};
  }
  static std::int64_t bytes(std::int64_t depth, std::int64_t lanes) { return depth * lanes / 16 * 17; }
  Simd load(std::int64_t k, std::int64_t lane) const {
    return Simd::load_int8(quants + k * lanes + lane) * Simd::set_half(scales[k * (lanes / 32) + lane / 32]);
  }
};

// Memory that is read soon: asked for line by line between other work, into the second cache, because
// processors have only a few requests under way at a time.
struct Ahead {
  const std::byte* at = nullptr;
  const std::byte* end = nullptr;

  [[gnu::always_inline]] void ask() {
    if (at >= end) return;
    __builtin_prefetch(at, 0, 2);
    at += 64;
  }
  [[gnu::always_inline]] void ask_all() {
    while (at < end) ask();
  }
};

// R rows times V vectors of lanes: one chain of additions per element, in the order of k, whatever R and V.
template <bool kAdd, int R, int V, class Matrix>
void multiply_block(const float* const* a, const Matrix& b, std::int64_t depth, std::int64_t lane,
                    float* const* c, Ahead& wanted) {
  constexpr int L = Simd::kLanes;
  const float* rows[R];
  Simd sums[R][V];
  for (int r = 0; r < R; ++r) {
    rows[r] = a[r];
    for (int v = 0; v < V; ++v) sums[r][v] = kAdd ? Simd::load(c[r] + lane + v * L) : Simd::set(0);
  }
  Ahead ahead = wanted;
  for (std::int64_t k = 0; k < depth; ++k) {
    ahead.ask();
    Simd columns[V];
    for (int v = 0; v < V; ++v) columns[v] = b.load(k, lane + v * L);
    for (int r = 0; r < R; ++r) {
      const Simd factor = Simd::set(rows[r][k]);
      for (int v = 0; v < V; ++v) sums[r][v] = multiply_add(factor, columns[v], sums[r][v]);
    }
  }
  wanted = ahead;
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) sums[r][v].store(c[r] + lane + v * L);
  }
}

// Few rows take more vectors at a time: every sum waits for the one before it.
template <bool kAdd, int R, class Matrix>
void multiply_rows(const float* const* a, const Matrix& b, std::int64_t depth, std::int64_t lanes,
                   float* const* c, Ahead& ahead) {
  constexpr int L = Simd::kLanes;
  constexpr int kWanted = Simd::kTileVectors * (R == 1 ? 4 : R == 2 ? 2 : 1);
  constexpr int V = kWanted * L > 64 ? 64 / L : kWanted;
  std::int64_t lane = 0;
  for (; lane + V * L <= lanes; lane += V * L) multiply_block<kAdd, R, V>(a, b, depth, lane, c, ahead);
  for (; lane < lanes; lane += L) multiply_block<kAdd, R, 1>(a, b, depth, lane, c, ahead);
}

// multiply_rows for a number of rows that is known when the program runs, 1 to R.
template <bool kAdd, int R, class Matrix>
void multiply_some(const float* const* a, std::int64_t rows, const Matrix& b, std::int64_t depth,
                   std::int64_t lanes, float* const* c, Ahead& ahead) {
  if constexpr (R > 1) {
    if (rows < R) return multiply_some<kAdd, R - 1>(a, rows, b, depth, lanes, c, ahead);
  }
  multiply_rows<kAdd, R>(a, b, depth, lanes, c, ahead);
}

// c[r][lane] = (c[r][lane] if kAdd) + sum over k of a[r][k] * b[k][lane] for k < depth, lane < lanes (a
// multiple of kLanes). An element's bits do not depend on rows and lanes. Meanwhile memory is asked for.
template <bool kAdd, class Matrix>
void multiply(const float* const* a, std::int64_t rows, const Matrix& b, std::int64_t depth,
              std::int64_t lanes, float* const* c, Ahead ahead) {
  while (rows > 0) {
    // 7 rows go as 4 and 3, not as 6 and 1.
    const std::int64_t tiles = (rows + Simd::kTileRows - 1) / Simd::kTileRows;
    const std::int64_t now = (rows + tiles - 1) / tiles;
    multiply_some<kAdd, Simd::kTileRows>(a, now, b, depth, lanes, c, ahead);
    a += now;
    c += now;
    rows -= now;
  }
  ahead.ask_all();
}

}  // namespace
}  // namespace aloud
