// Times the probe's loops on all threads.
#include "kernels/probe.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "kernels/probe_loops.h"

namespace aloud {

extern const ProbeLoops kProbeLoopsScalar;
extern const ProbeLoops kProbeLoopsAvx2;
extern const ProbeLoops kProbeLoopsAvxVnni;
extern const ProbeLoops kProbeLoopsAvx512;

namespace {

constexpr int kRounds = 5;

const ProbeLoops& probe_loops(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return kProbeLoopsAvx512;
    case Isa::kAvxVnni:
      return kProbeLoopsAvxVnni;
    case Isa::kAvx2:
      return kProbeLoopsAvx2;
    case Isa::kScalar:
      break;
  }
  return kProbeLoopsScalar;
}

template <class Body>
double seconds(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double read_gb_per_s(const ProbeLoops& loops, ThreadPool& pool) {
  constexpr std::int64_t kFloats = std::int64_t{128} << 20;  // 512 MB
  constexpr std::int64_t kPiece = std::int64_t{1} << 18;     // 1 MB at a time keeps the threads level
  const std::unique_ptr<float[]> memory(new float[kFloats]);
  pool.run(kFloats / kPiece,
           [&](std::int64_t i, int) { std::fill_n(memory.get() + i * kPiece, kPiece, 1.0f); });
  volatile float sink = 0;
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double time = seconds([&] {
      pool.run(kFloats / kPiece, [&](std::int64_t i, int) {
        if (loops.read(memory.get() + i * kPiece, kPiece) < 0) sink = 1;
      });
    });
    best = std::max(best, static_cast<double>(kFloats) * sizeof(float) / time * 1e-9);
  }
  return best;
}

double gops(ProbeMultiply multiply, ThreadPool& pool) {
  constexpr double kLongEnough = 0.02;  // seconds; waking the threads costs microseconds
  std::int64_t repeats = 1 << 16, each = 0;
  const auto round = [&] {
    return seconds([&] {
      pool.run(pool.size(), [&](std::int64_t i, int) {
        const std::int64_t done = multiply(repeats);
        if (i == 0) each = done;
      });
    });
  };
  while (round() < kLongEnough) repeats *= 2;
  double best = 0;
  for (int i = 0; i < kRounds; ++i) {
    const double time = round();
    best = std::max(best, 2e-9 * static_cast<double>(each * pool.size()) / time);
  }
  return best;
}

}  // namespace

MachineLimits probe_machine(Isa isa, ThreadPool& pool) {
  const ProbeLoops& loops = probe_loops(isa);
  MachineLimits limits;
  limits.read_gb_per_s = read_gb_per_s(loops, pool);
  limits.int8_gops = gops(loops.int8, pool);
  if (loops.bf16 != nullptr && multiplies_bf16()) limits.bf16_gops = gops(loops.bf16, pool);
  limits.fp32_gops = gops(loops.fp32, pool);
  return limits;
}

MachineLimits best_of(const MachineLimits& a, const MachineLimits& b) {
  MachineLimits best;
  for (const LimitField& field : kLimitFields) best.*field.value = std::max(a.*field.value, b.*field.value);
  return best;
}

}  // namespace aloud
