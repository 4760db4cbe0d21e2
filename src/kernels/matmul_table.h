// What an instruction set provides to matmul, by the names that its headers give; builds on all of them.
#pragma once

namespace aloud {
namespace {

// Pairs: how products with bfloat16 are made, see matmul_floats.h.
template <class Pairs>
constexpr MatmulKernels table_of_kernels() {
  return {
      quantise<FineBlock>, quantise<CoarseBlock>, round_to_bfloats, find_panel_format,      kDirectColumns,
      kTileColumns,        kSignedForm,           multiply,         multiply_floats<Pairs>,
  };
}

}  // namespace
}  // namespace aloud
