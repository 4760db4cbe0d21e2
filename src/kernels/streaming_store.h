// Stores that go to memory past the caches, where the processor has them.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace aloud {

// Where streamed values may begin, and how many floats they must be a multiple of: a cache line.
inline constexpr std::int64_t kStreamedFloats = 16;
inline bool can_stream_to(const float* to) {
  return reinterpret_cast<std::uintptr_t>(to) % (kStreamedFloats * sizeof(float)) == 0;
}

// to[i] = from[i] for i < n, without reading the lines of `to` first or keeping them; `from` is aligned
// alike. Others see them after finish_streaming().
inline void stream(const float* from, std::int64_t n, float* to) {
#if defined(__x86_64__)
  for (std::int64_t i = 0; i < n; i += 4) _mm_stream_ps(to + i, _mm_load_ps(from + i));
#else
  std::memcpy(to, from, static_cast<std::size_t>(n) * sizeof(float));
#endif
}

// Before the thread tells others, by whatever means, that the values are there.
inline void finish_streaming() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

}  // namespace aloud
