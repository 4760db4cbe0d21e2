// The table of weight formats: how each quantised type unpacks into small integers with scales.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "tensor/dtype.h"

namespace aloud {

// At most this many values share a block, and at least 16 values share a scale.
inline constexpr int kMaxBlockValues = 256;
inline constexpr int kMaxBlockGroups = kMaxBlockValues / 16;

// One block taken apart, exactly: value[i] = scale[i / group] * quant[i] + offset[i / group], where the
// product and the sum are each rounded to float32 (no fused multiply-add): that gives the published value bit
// for bit. offset is -0.0f where the format has none (see Format::has_offset): adding it changes no value,
// not even -0.0f.
struct UnpackedBlock {
  std::int8_t quant[kMaxBlockValues];
  float scale[kMaxBlockGroups];
  float offset[kMaxBlockGroups];
};

// How a quantised type is laid out. Every type except F32, F16, BF16 has one.
struct Format {
  DType type;
  int group;        // values that share a scale: 16 or 32
  bool has_offset;  // false: every offset is zero
  // Takes the block at `block` (info(type).block_bytes bytes, any alignment) apart.
  void (*unpack)(const std::byte* block, UnpackedBlock& out);
};

std::span<const Format> all_formats();

// nullptr for F32, F16 and BF16.
const Format* find_format(DType type);

// Expands whole blocks to float32: out.size() values from row_bytes(type, out.size()) bytes. Any type,
// scalar, exact.
void dequantize(DType type, const std::byte* blocks, std::span<float> out);

}  // namespace aloud
