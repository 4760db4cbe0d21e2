// The registers of AMX and their instructions. In assembly, so that the file needs no flags for instructions
// that not every AVX-512 processor has.
#pragma once

namespace aloud {
namespace {

constexpr int kAmxBytes = 64;  // of each of a register's 16 rows

// The operand of ldtilecfg: all eight registers have the full size.
struct alignas(64) AmxShapes {
  std::uint8_t palette = 1;
  std::uint8_t reserved[15] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// Registers keep their shapes for the life of a thread. The flag begins as true because mold 1.10 makes
// programs that do not start where a single byte of thread-local data begins as zero at the end of a page.
void shape_registers() {
  thread_local bool shapeless = true;
  if (!shapeless) return;
  const AmxShapes shapes;
  asm volatile("ldtilecfg %0" : : "m"(shapes));
  shapeless = false;
}

template <int kRegister>
ALOUD_INLINE void amx_clear() {
  asm volatile("tilezero %%tmm%c0" : : "i"(kRegister));
}
// Rows of kAmxBytes, `stride` bytes apart, the first one kAt bytes from `from` on.
template <int kRegister, int kAt>
ALOUD_INLINE void amx_load(const void* from, std::int64_t stride) {
  asm volatile("tileloadd %c3(%0,%1,1), %%tmm%c2"
               :
               : "r"(from), "r"(stride), "i"(kRegister), "i"(kAt)
               : "memory");
}
template <int kRegister>
ALOUD_INLINE void amx_store(void* to) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)"
               :
               : "r"(to), "r"(std::int64_t{kAmxBytes}), "i"(kRegister)
               : "memory");
}
// sums += x times weights; x is signed.
template <int kSums, int kX, int kWeights, bool kSigned>
ALOUD_INLINE void amx_multiply() {
  if (kSigned) {
    asm volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kX), "i"(kWeights));
  } else {
    asm volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kX), "i"(kWeights));
  }
}

}  // namespace
}  // namespace aloud
