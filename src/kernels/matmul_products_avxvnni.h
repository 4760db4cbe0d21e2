// The integer products of matmul_lanes_avx2.h with AVX-VNNI: the sums of matmul_products_avx2.h, to the bit.
#pragma once

#include "kernels/matmul_lanes_avx2.h"
// Builds on the lanes.
#include "kernels/matmul_products_vnni.h"

namespace aloud {
namespace {

// Most columns that matmul_direct.h takes at once: six sums and six totals.
constexpr int kDirectColumns = 6;

// One step of a group, four neighbours at a time. In assembly for
// the reason that matmul_products_avx512.h gives.
template <QuantForm kForm, int kChain>
ALOUD_INLINE void add_products(Dot& dot, int, const Factors<kForm>& weights, Ints x) {
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(dot.sum) : "x"(weights.bytes), "x"(x));
}
// The same with x in memory: broadcasts that GCC sees are kept on the stack for the panel's other half.
template <QuantForm kForm, int kChain>
ALOUD_INLINE void add_products(Dot& dot, int, const Factors<kForm>& weights, const std::int8_t* four) {
  using Word [[gnu::may_alias, gnu::aligned(1)]] = std::uint32_t;
  Ints x;
  asm("vpbroadcastd %3, %1\n\t%{vex%} vpdpbusd %1, %2, %0"
      : "+x"(dot.sum), "=&x"(x)
      : "x"(weights.bytes), "m"(*reinterpret_cast<const Word*>(four)));
}

}  // namespace
}  // namespace aloud
