// How fast attention streams the cache (one token per sequence) and multiplies (the chunk of a prompt).
//   attention_benchmark --benchmark_filter=decode --benchmark_repetitions=5
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/processors.h"
#include "kernels/attention.h"
#include "kernels/register.h"
#include "kernels/vector.h"

namespace aloud {
namespace {

// The heads of one layer, by what has them.
struct Heads {
  const char* name;
  KvLayout layout;
  std::int64_t heads;
  std::int64_t value_width;
};
constexpr Heads kHeads[] = {
    {"r1-distill-qwen-1.5b", {1, 2, 128, 128}, 12, 128}, {"r1-absorbed", {1, 1, 576, 0}, 128, 512},
    {"r1-expanded", {1, 128, 192, 128}, 128, 128},       {"r1-mini-absorbed", {1, 1, 576, 0}, 16, 512},
    {"r1-mini-expanded", {1, 16, 192, 128}, 16, 128},
};

// Layers in turn, so that no cache holds what is read.
constexpr std::int64_t kWorkingSet = 128 << 20;

// `tokens` new tokens at the end of a context, in each of several sequences that share nothing.
void attend_to(benchmark::State& state, const Heads& heads, DType type, std::int64_t sequences,
               std::int64_t tokens, std::int64_t context) {
  const auto isa = choose_isa();
  if (!isa) return state.SkipWithError(isa.error().message.c_str());
  ThreadPool pool(physical_cores());
  KvLayout layout = heads.layout;
  layout.type = type;
  const std::int64_t pages_each = (context + kPageTokens - 1) / kPageTokens;
  const std::int64_t bytes = sequences * pages_each * layout.page_bytes();
  layout.layers = std::max<std::int64_t>(1, kWorkingSet / bytes);
  const AttentionShape shape{layout, heads.heads, heads.value_width, 0.1f};

  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<KvPage> memory;
  std::vector<std::byte*> pages;
  for (std::int64_t p = 0; p < sequences * pages_each; ++p) {
    memory.push_back(make_kv_page(layout));
    pages.push_back(memory.back().get());
  }
  // The same token all over a page: what it is does not matter.
  pool.run(std::ssize(pages), [&](std::int64_t p, int) {
    std::mt19937 own(static_cast<std::uint32_t>(p));
    std::vector<float> token(static_cast<std::size_t>(layout.key_width + layout.value_width));
    for (float& value : token) value = static_cast<float>(own() % 256) / 128 - 1;
    for (std::int64_t layer = 0; layer < layout.layers; ++layer) {
      for (std::int64_t head = 0; head < layout.heads; ++head) {
        for (std::int64_t t = 0; t < kPageTokens; ++t) {
          vector_kernels(*isa).store_kv(layout.slot(pages[static_cast<std::size_t>(p)], layer, head, t),
                                        token.data(), token.data() + layout.key_width);
        }
      }
    }
  });
  std::vector<float> queries(static_cast<std::size_t>(sequences * tokens * heads.heads * layout.key_width));
  for (float& query : queries) query = normal(random);
  std::vector<float> out(static_cast<std::size_t>(sequences * tokens * heads.heads * heads.value_width));
  std::vector<float> scratch;

  std::int64_t layer = 0;
  for (auto _ : state) {
    std::vector<AttentionJob> jobs;
    for (std::int64_t s = 0; s < sequences; ++s) {
      jobs.push_back({std::span(pages).subspan(static_cast<std::size_t>(s * pages_each),
                                               static_cast<std::size_t>(pages_each)),
                      layer, context - tokens, tokens,
                      queries.data() + s * tokens * heads.heads * layout.key_width,
                      out.data() + s * tokens * heads.heads * heads.value_width});
    }
    attend(*isa, shape, jobs, pool, scratch);
    layer = (layer + 1) % layout.layers;
  }
  const std::int64_t seen = context - tokens / 2;
  state.SetBytesProcessed(state.iterations() * sequences * seen * layout.layer_bytes() / kPageTokens);
  state.counters["MAC/s"] = benchmark::Counter(
      static_cast<double>(sequences * tokens * seen * heads.heads * (layout.key_width + heads.value_width)),
      benchmark::Counter::kIsIterationInvariantRate);
}

// A page's keys and values of all heads, token by token.
void store(benchmark::State& state, const Heads& heads, DType type) {
  const auto isa = choose_isa();
  if (!isa) return state.SkipWithError(isa.error().message.c_str());
  KvLayout layout = heads.layout;
  layout.type = type;
  const KvPage page = make_kv_page(layout);
  const std::vector<float> vector(static_cast<std::size_t>(layout.key_width + layout.value_width), 0.5f);
  for (auto _ : state) {
    for (std::int64_t head = 0; head < layout.heads; ++head) {
      for (std::int64_t t = 0; t < kPageTokens; ++t)
        vector_kernels(*isa).store_kv(layout.slot(page.get(), 0, head, t), vector.data(), vector.data());
    }
  }
  state.SetItemsProcessed(state.iterations() * kPageTokens * layout.heads *
                          (layout.key_width + layout.value_width));
}

}  // namespace

void register_benchmarks() {
  for (const Heads& heads : kHeads) {
    for (const DType type : kKvTypes) {
      const std::string name = std::string("/") + heads.name + "/" + std::string(info(type).name);
      const auto add = [&](const std::string& kind, std::int64_t sequences, std::int64_t tokens,
                           std::int64_t context) {
        benchmark::RegisterBenchmark((kind + name).c_str(), attend_to, heads, type, sequences, tokens,
                                     context)
            ->UseRealTime()
            ->Unit(benchmark::kMicrosecond);
      };
      // The expanded form is for prompts: pages live for one window.
      if (std::string_view(heads.name).ends_with("expanded")) {
        add("window", 1, 256, 512);
      } else {
        add("decode", 1, 1, 8192);
        add("decode8", 8, 1, 512);
        add("prefill", 1, 256, 512);
      }
      benchmark::RegisterBenchmark(("store" + name).c_str(), store, heads, type)->UseRealTime();
    }
  }
}

}  // namespace aloud
