// How fast matmul streams weights (one column) and multiplies (many), beside what memory itself gives.
//   matmul_benchmark --benchmark_filter='Q4_K/columns:(1|512)/' --benchmark_repetitions=5
#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/processors.h"
#include "kernels/matmul.h"
#include "kernels/panels.h"
#include "kernels/register.h"

namespace aloud {
namespace {

// The matrices of one layer of R1-Distill-Qwen-1.5B: q, k, v, o, gate, up, down.
struct Shape {
  std::int64_t rows, columns;
};
constexpr Shape kLayer[] = {{1536, 1536}, {256, 1536},  {256, 1536}, {1536, 1536},
                            {8960, 1536}, {8960, 1536}, {1536, 8960}};

// Layers in turn, so that no cache holds the weights.
constexpr std::int64_t kWorkingSet = 256 << 20;
constexpr std::size_t kHugePage = 2 << 20;

int threads() { return physical_cores(); }

// What the processor reads from memory with plain loads, all threads together.
void read_memory(benchmark::State& state) {
  ThreadPool pool(threads());
  std::vector<std::uint64_t> data(kWorkingSet / 8, 1);
  const std::int64_t chunk = (1 << 20) / 8;
  const std::int64_t chunks = static_cast<std::int64_t>(data.size()) / chunk;
  std::atomic<std::uint64_t> sink{0};
  for (auto _ : state) {
    pool.run(chunks, [&](std::int64_t item, int) {
      const std::uint64_t* at = data.data() + item * chunk;
      std::uint64_t sums[8] = {};
      for (std::int64_t i = 0; i < chunk; i += 8) {
        for (int j = 0; j < 8; ++j) sums[j] ^= at[i + j];
      }
      for (const std::uint64_t sum : sums) sink.fetch_add(sum, std::memory_order_relaxed);
    });
  }
  state.SetBytesProcessed(state.iterations() * kWorkingSet);
}

void multiply(benchmark::State& state, DType type, std::int64_t count) {
  const auto isa = choose_isa();
  if (!isa) return state.SkipWithError(isa.error().message.c_str());
  ThreadPool pool(threads());
  const WeightLayout layout =
      find_panel_layout(type) != nullptr ? WeightLayout::kPanels : WeightLayout::kRows;
  const auto matrix = [&](const Shape& shape, const std::byte* data = nullptr) {
    return WeightMatrix{type, shape.rows, shape.columns, data, layout};
  };
  std::int64_t layer_bytes = 0;
  std::int64_t layer_macs = 0;
  for (const Shape& shape : kLayer) {
    layer_bytes += matrix(shape).bytes();
    layer_macs += shape.rows * shape.columns * count;
  }
  const std::int64_t layers = std::max<std::int64_t>(1, kWorkingSet / layer_bytes);
  // In huge pages, as PanelStore packs them.
  const auto size = static_cast<std::size_t>(layers * layer_bytes + kHugePage - 1) / kHugePage * kHugePage;
  const std::unique_ptr<void, decltype(&std::free)> memory(std::aligned_alloc(kHugePage, size), &std::free);
  void* aligned = memory.get();
  ::madvise(aligned, size, MADV_HUGEPAGE);
  // What the weights are does not matter, as long as no float among them is subnormal.
  std::memset(aligned, 0x35, static_cast<std::size_t>(layers * layer_bytes));

  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(8960 * count);
  for (float& value : values) value = normal(random);
  Activations narrow, wide;
  narrow.assign(*isa, values.data(), count, 1536, 1536, input_form(type), pool);
  wide.assign(*isa, values.data(), count, 8960, 8960, input_form(type), pool);
  std::vector<std::vector<float>> y;
  for (const Shape& shape : kLayer) y.emplace_back(shape.rows * count);

  std::int64_t layer = 0;
  for (auto _ : state) {
    const std::byte* data = static_cast<std::byte*>(aligned) + layer++ % layers * layer_bytes;
    MatmulJob jobs[std::size(kLayer)];
    for (std::size_t i = 0; i < std::size(kLayer); ++i) {
      const Shape& shape = kLayer[i];
      jobs[i] = {matrix(shape, data), shape.columns == 1536 ? &narrow : &wide, nullptr, count, y[i].data(),
                 shape.rows};
      data += jobs[i].weights.bytes();
    }
    // As a model does: q k v, then o, gate up, down.
    const std::span<const MatmulJob> all(jobs);
    matmul(*isa, all.subspan(0, 3), pool);
    matmul(*isa, all.subspan(3, 1), pool);
    matmul(*isa, all.subspan(4, 2), pool);
    matmul(*isa, all.subspan(6, 1), pool);
  }
  state.SetBytesProcessed(state.iterations() * layer_bytes);
  state.counters["MAC/s"] =
      benchmark::Counter(static_cast<double>(layer_macs), benchmark::Counter::kIsIterationInvariantRate);
}

void quantise(benchmark::State& state) {
  const auto isa = choose_isa();
  if (!isa) return state.SkipWithError(isa.error().message.c_str());
  ThreadPool pool(threads());
  const std::int64_t count = state.range(0);
  const std::vector<float> x(count * 1536, 0.5f);
  Activations activations;
  for (auto _ : state) activations.assign(*isa, x.data(), count, 1536, 1536, InputForms::kCoarse, pool);
  state.SetItemsProcessed(state.iterations() * count * 1536);
}

}  // namespace

void register_benchmarks() {
  benchmark::RegisterBenchmark("read_memory", read_memory)->UseRealTime();
  benchmark::RegisterBenchmark("quantise", quantise)->Arg(1)->Arg(512)->UseRealTime();
  for (const DTypeInfo& type : all_dtypes()) {
    for (const std::int64_t count : {1, 2, 4, 5, 6, 8, 12, 16, 24, 32, 64, 512}) {
      const std::string name = std::string(type.name) + "/columns:" + std::to_string(count);
      benchmark::RegisterBenchmark(name.c_str(), multiply, type.type, count)
          ->UseRealTime()
          ->Unit(benchmark::kMicrosecond);
    }
  }
}

}  // namespace aloud
