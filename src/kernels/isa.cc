// Asks the processor what it can do.
#include "kernels/isa.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "base/printable.h"

namespace aloud {
namespace {

bool runs(Isa isa) {
#if defined(__x86_64__)
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi2");
  switch (isa) {
    case Isa::kScalar:
      return true;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvxVnni:
      return avx2 && __builtin_cpu_supports("avxvnni");
    case Isa::kAvx512:
      return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512vnni");
  }
  return false;
#else
  return isa == Isa::kScalar;
#endif
}

}  // namespace

std::string_view name(Isa isa) {
  switch (isa) {
    case Isa::kScalar:
      return "scalar";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvxVnni:
      return "avxvnni";
    case Isa::kAvx512:
      return "avx512";
  }
  return "";
}

std::span<const Isa> supported_isas() {
  static const std::vector<Isa> kSupported = [] {
    std::vector<Isa> isas;
    for (const Isa isa : {Isa::kAvx512, Isa::kAvxVnni, Isa::kAvx2, Isa::kScalar}) {
      if (runs(isa)) isas.push_back(isa);
    }
    return isas;
  }();
  return kSupported;
}

bool multiplies_bf16() {
#if defined(__x86_64__)
  return runs(Isa::kAvx512) && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

bool multiplies_tiles() {
#if defined(__x86_64__)
  static const bool kAllowed = [] {
    constexpr int kRequestPermission = 0x1023, kTileData = 18;  // of arch_prctl, Linux 5.16 on
    return multiplies_bf16() && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8") &&
           syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  }();
  return kAllowed;
#else
  return false;
#endif
}

Result<Isa> choose_isa() {
  const char* wanted = std::getenv("ALOUD_ISA");
  if (wanted == nullptr || *wanted == '\0') return supported_isas().front();
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvxVnni, Isa::kAvx512}) {
    if (name(isa) != wanted) continue;
    if (!runs(isa)) return fail("ALOUD_ISA={}: this processor does not support it", wanted);
    return isa;
  }
  return fail("ALOUD_ISA={}: expected scalar, avx2, avxvnni or avx512", printable(wanted));
}

}  // namespace aloud
