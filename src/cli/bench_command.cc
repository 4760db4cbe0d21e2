// aloud bench: how fast a model runs here, and how near that is to what the machine can do.
#include <fmt/chrono.h>
#include <sys/mman.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <optional>

#include "base/atomic_file.h"
#include "base/processors.h"
#include "cli/bench_measure.h"
#include "cli/bench_report.h"
#include "cli/command_line.h"
#include "cli/interrupt.h"
#include "cli/language.h"
#include "cli/model_source.h"
#include "cli/options.h"
#include "weights/panel_sidecar.h"
#include "weights/random_model.h"

namespace aloud {

int run_bench_serve(int argc, char** argv);

namespace {

struct BenchOptions {
  std::string model;
  std::string shape;
  std::string type = "Q4_K_M";
  std::string write;
  std::int64_t prompt = 512;
  std::int64_t generate = 64;
  std::vector<std::int64_t> sequences = {1};
  std::vector<std::int64_t> contexts = {128};
  std::vector<int> threads = {physical_cores()};
  int repeats = 3;
  std::uint64_t seed = 1;
  bool json = false;
  EngineOptions engine;
};

// What long work needs besides its options: where to say how far it is, and when to stop.
struct Watch {
  Progress& progress;
  const std::atomic<bool>& cancel;
};

double resident_mb() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  file >> size >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) * 1e-6;
}

// The random model's bytes, piece by piece.
Status make_random_model(const BenchOptions& options, const Watch& watch, const PutBytes& put) {
  TRY_ASSIGN(const GgufWriter writer, random_model(options.shape, options.type, options.seed));
  std::size_t done = 0;
  return writer.write_to([&](std::span<const std::byte> bytes) -> Status {
    if (watch.cancel) return fail("{}", tr("stopped", "已停止"));
    done += bytes.size();
    watch.progress.update(fmt::format("{}: {} MB", tr("random weights", "随机权重"), done / 1'000'000));
    return put(bytes);
  });
}

Status write_random_model(const BenchOptions& options, const Watch& watch) {
  TRY_ASSIGN(AtomicFile file, AtomicFile::create(options.write));
  TRY(make_random_model(options, watch,
                        [&](std::span<const std::byte> bytes) { return file.append(bytes); }));
  return file.commit();
}

// A random model in a file that exists in memory only, opened like any other.
Result<GgufFile> random_file(const BenchOptions& options, const Watch& watch) {
  const int memory = memfd_create("aloud-bench", MFD_CLOEXEC);
  if (memory < 0) return fail("no memory for the model: {}", std::strerror(errno));
  const Status made = make_random_model(options, watch, [&](std::span<const std::byte> bytes) -> Status {
    const int error = write_all(memory, bytes);
    if (error != 0) return fail("no memory for the model: {}", std::strerror(error));
    return {};
  });
  Result<GgufFile> file = fail("the model was not written");
  if (made) {
    file = GgufFile::open(fmt::format("/proc/self/fd/{}", memory));
  } else {
    file = pass_error(made);
  }
  ::close(memory);
  return file;
}

// The speeds of one loaded model, into result.
Status measure_speeds(const BenchOptions& options, const Watch& watch, Model& model, BenchResult& result) {
  const std::int64_t longest = *std::max_element(options.contexts.begin(), options.contexts.end());
  const std::int64_t tokens = std::max(options.prompt, longest + options.generate);
  if (tokens > model.shape().context) {
    return fail("{} tokens in a row wanted, but the model was made for {}", tokens, model.shape().context);
  }
  ModelTimer timer(model, *std::max_element(options.sequences.begin(), options.sequences.end()), tokens,
                   watch.progress, watch.cancel);
  TRY_ASSIGN(const double prefill, timer.prefill_seconds(options.prompt, options.repeats));
  result.prefill_tokens_per_second = static_cast<double>(options.prompt) / prefill;
  result.rss_mb = resident_mb();
  for (const std::int64_t context : options.contexts) {
    for (const std::int64_t sequences : options.sequences) {
      TRY_ASSIGN(const double seconds, timer.decode_seconds(sequences, context, options.generate));
      result.decode.push_back(
          {sequences, context, static_cast<double>(sequences * options.generate) / seconds});
    }
  }
  return {};
}

// file: the random model; without one the model's file is opened, and its opening counts as loading.
Result<BenchResult> measure(const BenchOptions& options, const Watch& watch, const GgufFile* file,
                            int threads) {
  TRY_ASSIGN(const Isa isa, choose_isa());
  ThreadPool pool(threads, options.engine.pin_threads);
  BenchResult result;
  result.machine = this_machine();
  result.date = fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr)));
  result.isa = name(isa);
  result.kv_type = info(options.engine.kv_type).name;
  result.threads = threads;
  result.prompt = options.prompt;
  result.generate = options.generate;

  const char* const probing = tr("probing the machine", "正在测量本机极限");
  watch.progress.update(probing);
  const MachineLimits before = probe_machine(isa, pool);

  watch.progress.update(tr("loading", "正在加载"));
  const auto start = std::chrono::steady_clock::now();
  std::optional<GgufFile> opened;
  if (file == nullptr) {
    TRY_ASSIGN(opened, open_model_file(options.model));
    file = &*opened;
  }
  const PanelOptions panel_options{
      .sidecar = opened && !options.engine.no_sidecar,
      .progress = [&](std::int64_t done, std::int64_t total) {
        watch.progress.update(fmt::format("{} {}%", tr("loading", "正在加载"), done * 100 / total));
      }};
  TRY_ASSIGN(OpenPanels panels, open_panels(*file, pool, panel_options));
  print_notice(panels.notice);
  TRY_ASSIGN(const std::unique_ptr<Model> model,
             load_model(*file, panels.store, isa, pool, options.engine.kv_type));
  result.load_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  panels.settle();
  result.model = opened ? file->name() : fmt::format("{} {}", options.shape, options.type);
  result.cost = ModelCost::of(*file, model->shape().kv.bytes_per_token());
  TRY(measure_speeds(options, watch, *model, result));

  watch.progress.update(probing);
  result.limits = best_of(before, probe_machine(isa, pool));
  if (const auto known = known_limits(result.machine, isa, threads)) {
    result.suspect = suspect_limits(result.limits, *known);
  }
  return result;
}

Status run(const BenchOptions& options) {
  Interrupts interrupts;
  Progress progress("");
  const Watch watch = {progress, interrupts.raised()};
  if (!options.write.empty()) return write_random_model(options, watch);
  std::optional<GgufFile> random;
  if (!options.shape.empty()) {
    TRY_ASSIGN(random, random_file(options, watch));
  }
  std::vector<BenchResult> results;
  for (const int threads : options.threads) {
    TRY_ASSIGN(BenchResult result, measure(options, watch, random ? &*random : nullptr, threads));
    results.push_back(std::move(result));
  }
  progress.finish();
  for (const BenchResult& result : results)
    options.json ? print_bench_json(result) : print_bench_table(result);
  return {};
}

void add_options(CLI::App& app, BenchOptions& options) {
  auto* model = app.add_option("--model", options.model,
                               tr("model file (default: the embedded one)", "模型文件（默认：内置模型）"));
  auto* shape =
      app.add_option("--shape", options.shape,
                     fmt::format("{}: {}", tr("random weights of a known shape", "已知形状的随机权重"),
                                 fmt::join(known_shapes(), ", ")))
          ->excludes(model);
  app.add_option("--type", options.type,
                 tr("weight type of --shape (Q4_K_M, Q8_0, ...)", "--shape 的权重类型（Q4_K_M、Q8_0 等）"))
      ->capture_default_str();
  app.add_option("--write", options.write,
                 tr("write the random model to this file and stop", "将随机模型写入该文件后退出"))
      ->needs(shape);
  app.add_option("--prompt", options.prompt, tr("tokens to prefill", "预填充词元数"))
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--generate", options.generate,
                 tr("tokens to generate per sequence", "每个序列生成的词元数"))
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--sequences", options.sequences,
                 tr("numbers of sequences decoded together: 1,8,32", "同时解码的序列数：1,8,32"))
      ->delimiter(',')
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--context", options.contexts,
                 tr("tokens that each sequence has before it generates: 512,2048,8192",
                    "每个序列生成前已有的词元数：512,2048,8192"))
      ->delimiter(',')
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  app.add_option("--threads", options.threads,
                 tr("numbers of threads: 1,2 (default: physical cores)", "线程数：1,2（默认：物理核数）"))
      ->delimiter(',')
      ->check(CLI::Range(1, 1024));
  add_engine_options(app, options.engine);
  app.add_option("--repeats", options.repeats,
                 tr("rounds of prefill; the median counts", "预填充轮数，取中位数"))
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--seed", options.seed, tr("seed of the random weights", "随机权重的种子"))
      ->capture_default_str();
  add_json_option(app, options.json);
}

}  // namespace

int run_bench(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "serve") return run_bench_serve(argc - 1, argv + 1);
  BenchOptions options;
  CLI::App app(tr("Measures prefill and decode, and the share of what this machine can do.",
                  "测量预填充与解码速度，以及占本机极限的比例。"),
               "aloud bench");
  add_options(app, options);
  app.footer(
      tr("Every number of sequences is measured at every context, all that on every number of threads (with "
         "--json\none line for each). `aloud bench serve --help`: the load of many users on a server.",
         "每种序列数与每种上下文长度都测量，且在每种线程数下各测一遍（--json 时每种线程数输出一行）。\n"
         "aloud bench serve --help：对服务器施加多用户负载。"));
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  if (const Status status = run(options); !status) return report_error("bench", status.error().message);
  return kExitSuccess;
}

}  // namespace aloud
