// The integer products of matmul_lanes_avx512.h, with VNNI.
#pragma once

#include "kernels/matmul_lanes_avx512.h"
// Builds on the lanes.
#include "kernels/matmul_products_vnni.h"

namespace aloud {
namespace {

// Most columns that matmul_direct.h takes at once: eight sums and eight totals.
constexpr int kDirectColumns = 8;

// A value that is computed before what follows: GCC would put off what is made of a sum to the end of a
// block, and keep all sums of the block in memory until then.
ALOUD_INLINE void keep_here(Ints& value) { asm volatile("" : "+v"(value)); }

// Signed weights are multiplied with x + 128.
template <QuantForm kForm>
ALOUD_INLINE Ints factors_of_x(Ints x) {
  return kForm == QuantForm::kSigned ? x ^ every_byte(kQuantBias) : x;
}

// One step of a group, four neighbours at a time. GCC 12 spills large tiles of the intrinsic's accumulators;
// a tied operand keeps them in their registers.
template <QuantForm kForm, int kChain>
ALOUD_INLINE void add_products(Dot& dot, int, const Factors<kForm>& weights, Ints x) {
  if constexpr (kForm == QuantForm::kSigned) {
    asm("vpdpbusd %2, %1, %0" : "+v"(dot.sum) : "v"(x), "v"(weights.bytes));
  } else {
    asm("vpdpbusd %2, %1, %0" : "+v"(dot.sum) : "v"(weights.bytes), "v"(x));
  }
}
// The same with x broadcast from memory.
template <QuantForm kForm, int kChain>
ALOUD_INLINE void add_products(Dot& dot, int, const Factors<kForm>& weights, const std::int8_t* four) {
  using Word [[gnu::may_alias, gnu::aligned(1)]] = std::uint32_t;
  asm("vpdpbusd %2%{1to16%}, %1, %0"
      : "+v"(dot.sum)
      : "v"(weights.bytes), "m"(*reinterpret_cast<const Word*>(four)));
}

}  // namespace
}  // namespace aloud
