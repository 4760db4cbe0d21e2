// Times the probe's loops on all threads.
#include "kernels/probe.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "kernels/probe_loops.h"

namespace aloud {

extern const ProbeLoops kProbeLoopsScalar;
extern const ProbeLoops kProbeLoopsAvx2;
extern const ProbeLoops kProbeLoopsAvx512;

namespace {

const ProbeLoops& probe_loops(Isa isa) {
  switch (isa) {
    case Isa::kAvx512:
      return kProbeLoopsAvx512;
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

}  // namespace

MachineLimits probe_machine(Isa isa, ThreadPool& pool) {
  constexpr std::int64_t kFloats = std::int64_t{128} << 20;  // 512 MB
  constexpr std::int64_t kPiece = std::int64_t{1} << 18;     // 1 MB at a time keeps the threads level
  constexpr int kRounds = 5;
  const ProbeLoops& loops = probe_loops(isa);
  const std::unique_ptr<float[]> memory(new float[kFloats]);
  pool.run(kFloats / kPiece,
           [&](std::int64_t i, int) { std::fill_n(memory.get() + i * kPiece, kPiece, 1.0f); });

  MachineLimits limits;
  volatile float sink = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double time = seconds([&] {
      pool.run(kFloats / kPiece, [&](std::int64_t i, int) {
        if (loops.read(memory.get() + i * kPiece, kPiece) < 0) sink = 1;
      });
    });
    limits.read_gb_per_s =
        std::max(limits.read_gb_per_s, static_cast<double>(kFloats) * sizeof(float) / time * 1e-9);
  }
  for (int round = 0; round < kRounds; ++round) {
    constexpr std::int64_t kRepeats = 1 << 20;
    std::int64_t each = 0;
    const double time = seconds([&] {
      pool.run(pool.size(), [&](std::int64_t i, int) {
        const std::int64_t done = loops.multiply(kRepeats);
        if (i == 0) each = done;
      });
    });
    limits.int8_gops =
        std::max(limits.int8_gops, 2.0 * static_cast<double>(each * pool.size()) / time * 1e-9);
  }
  return limits;
}

}  // namespace aloud
