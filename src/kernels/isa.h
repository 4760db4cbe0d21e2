// Which instruction sets the kernels are written for, and which of them this machine runs.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace aloud {

// kAvx2 means AVX2 + FMA + F16C + BMI2; kAvxVnni means AVX-VNNI on top, which only integer products use: all
// results have the bits of kAvx2. kAvx512 means F, BW, DQ, VL and VNNI on top of kAvx2.
enum class Isa { kScalar, kAvx2, kAvxVnni, kAvx512 };

std::string_view name(Isa isa);  // "scalar", "avx2", "avxvnni", "avx512"

// What this processor and operating system can run, best first; kScalar is always there.
std::span<const Isa> supported_isas();

// This processor has AVX512-BF16, beside Isa::kAvx512.
bool multiplies_bf16();

// This processor multiplies tiles of int8 (AMX), beside Isa::kAvx512, and the operating system lets this
// process do so, which the first call asks for.
bool multiplies_tiles();

// The best supported one, or the one that the environment variable ALOUD_ISA names.
// Errors: ALOUD_ISA names none, or one that this machine lacks.
Result<Isa> choose_isa();

}  // namespace aloud
