// The element types of tensors: their GGUF numbers, names and block sizes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace aloud {

// The values are GGUF's type numbers.
enum class DType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
};

// A row of values is stored as blocks: block_values values in block_bytes bytes.
struct DTypeInfo {
  DType type;
  std::string_view name;  // as in GGUF tools: "Q4_K"
  std::int32_t block_values;
  std::int32_t block_bytes;
};

// Every type there is, by number.
std::span<const DTypeInfo> all_dtypes();

// nullptr when no type has this number or (exact, upper case) name.
const DTypeInfo* find_dtype(std::uint32_t number);
const DTypeInfo* find_dtype(std::string_view name);

const DTypeInfo& info(DType type);

// Bytes of a row of so many values; columns must be a multiple of block_values.
std::int64_t row_bytes(DType type, std::int64_t columns);

// F32, F16 and BF16; all others are blocks of small integers with scales.
bool is_float(DType type);

}  // namespace aloud
