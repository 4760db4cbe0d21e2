// aloud bench: how fast a model runs here, and how near that is to what the machine can do.
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/processors.h"
#include "base/utf8.h"
#include "cli/bench_measure.h"
#include "cli/command_line.h"
#include "cli/language.h"
#include "cli/model_source.h"
#include "cli/options.h"
#include "weights/panel_sidecar.h"
#include "weights/random_model.h"

namespace aloud {
namespace {

struct BenchOptions {
  std::string model;
  std::string shape;
  std::string type = "Q4_K_M";
  std::string write;
  std::int64_t prompt = 512;
  std::int64_t generate = 64;
  std::vector<std::int64_t> sequences = {1};
  int threads = physical_cores();
  DType kv_type = DType::kF16;
  int repeats = 3;
  std::uint64_t seed = 1;
  bool json = false;
  bool no_sidecar = false;
};

struct BenchResult {
  std::string model;
  int threads = 0;
  std::string isa;
  std::int64_t prompt = 0;
  double prefill_tokens_per_second = 0;
  std::vector<DecodeSpeed> decode;
  MachineLimits limits;
  TokenCost cost;
  std::int64_t kv_bytes_per_token = 0;
  std::int64_t generate = 0;
  double load_ms = 0;
  double rss_mb = 0;

  double prefill_share() const {
    return 2e-9 * static_cast<double>(cost.prefill_macs) * prefill_tokens_per_second / limits.int8_gops;
  }
  // Weights once per step and every sequence's cache, at its mean length, over the read bandwidth.
  double read_share(const DecodeSpeed& speed) const {
    const double cache = static_cast<double>(kv_bytes_per_token * speed.sequences) *
                         (static_cast<double>(kDecodePromptTokens) + static_cast<double>(generate) / 2);
    const double steps = speed.tokens_per_second / static_cast<double>(speed.sequences);
    return 1e-9 * (static_cast<double>(cost.decode_bytes) + cache) * steps / limits.read_gb_per_s;
  }
  double int8_share(const DecodeSpeed& speed) const {
    return 2e-9 * static_cast<double>(cost.decode_macs) * speed.tokens_per_second / limits.int8_gops;
  }
};

double resident_mb() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  file >> size >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) * 1e-6;
}

// Writes a random model to a file that exists in memory only, and opens it like any other.
Result<GgufFile> random_file(const BenchOptions& options) {
  TRY_ASSIGN(const GgufWriter writer, random_model(options.shape, options.type, options.seed));
  const int memory = memfd_create("aloud-bench", MFD_CLOEXEC);
  if (memory < 0) return fail("no memory for the model: {}", std::strerror(errno));
  const Status written = writer.write_to([&](std::span<const std::byte> bytes) -> Status {
    while (!bytes.empty()) {
      const ssize_t done = ::write(memory, bytes.data(), bytes.size());
      if (done < 0) return fail("no memory for the model: {}", std::strerror(errno));
      bytes = bytes.subspan(static_cast<std::size_t>(done));
    }
    return {};
  });
  Result<GgufFile> file = fail("the model was not written");
  if (written) {
    file = GgufFile::open(fmt::format("/proc/self/fd/{}", memory));
  } else {
    file = pass_error(written);
  }
  ::close(memory);
  return file;
}

Result<BenchResult> measure(const BenchOptions& options) {
  TRY_ASSIGN(const Isa isa, choose_isa());
  ThreadPool pool(options.threads);
  BenchResult result;
  result.threads = options.threads;
  result.isa = name(isa);
  result.prompt = options.prompt;
  result.generate = options.generate;
  if (!options.json) fmt::print(stderr, "{}\n", tr("probing the machine...", "正在测量本机极限……"));
  result.limits = probe_machine(isa, pool);

  const bool random = !options.shape.empty();
  if (random && !options.json)
    fmt::print(stderr, "{}\n", tr("making random weights...", "正在生成随机权重……"));
  auto start = std::chrono::steady_clock::now();
  TRY_ASSIGN(const GgufFile file, random ? random_file(options) : open_model_file(options.model));
  if (random) start = std::chrono::steady_clock::now();
  TRY_ASSIGN(const OpenPanels panels, open_panels(file, pool, {.sidecar = !random && !options.no_sidecar}));
  print_notice(panels.notice);
  TRY_ASSIGN(const std::unique_ptr<Model> model, load_model(file, panels.store, isa, pool, options.kv_type));
  result.load_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  if (panels.writer) panels.writer->wait();
  result.model = random ? fmt::format("{} {}", options.shape, options.type) : file.name();
  result.cost = token_cost(file);
  result.kv_bytes_per_token = model->shape().kv.bytes_per_token();
  if (!options.json) fmt::print(stderr, "{}\n", tr("measuring...", "正在测量……"));
  TRY_ASSIGN(const double prefill, measure_prefill(*model, options.prompt, options.repeats));
  result.prefill_tokens_per_second = static_cast<double>(options.prompt) / prefill;
  for (const std::int64_t sequences : options.sequences) {
    TRY_ASSIGN(DecodeSpeed speed, measure_decode(*model, sequences, options.generate));
    result.decode.push_back(speed);
  }
  result.rss_mb = resident_mb();
  return result;
}

void print_json(const BenchResult& result) {
  using nlohmann::ordered_json;
  ordered_json decode = ordered_json::array(), read = ordered_json::array(), int8 = ordered_json::array();
  for (const DecodeSpeed& speed : result.decode) {
    decode.push_back({{"sequences", speed.sequences}, {"tokens_per_second", speed.tokens_per_second}});
    read.push_back(result.read_share(speed));
    int8.push_back(result.int8_share(speed));
  }
  const ordered_json json = {
      {"model", replace_malformed_utf8(result.model)},
      {"threads", result.threads},
      {"isa", result.isa},
      {"prompt_tokens", result.prompt},
      {"prefill_tokens_per_second", result.prefill_tokens_per_second},
      {"decode", decode},
      {"limits", {{"read_gb_per_s", result.limits.read_gb_per_s}, {"int8_gops", result.limits.int8_gops}}},
      {"share_of_limit",
       {{"prefill_int8", result.prefill_share()}, {"decode_read", read}, {"decode_int8", int8}}},
      {"load_ms", result.load_ms},
      {"rss_mb", result.rss_mb},
  };
  fmt::print("{}\n", json.dump());
}

void print_table(const BenchResult& result) {
  fmt::print("{}, {} {}, {}\n", printable(result.model), result.threads, tr("threads", "线程"), result.isa);
  fmt::print("{}: {:.1f} GB/s, int8 {:.0f} Gop/s\n", tr("this machine reads", "本机极限：读取"),
             result.limits.read_gb_per_s, result.limits.int8_gops);
  fmt::print("{:<24}{:>12}{:>12}{:>12}\n", "", "tokens/s", tr("of read", "占读取"), tr("of int8", "占 int8"));
  fmt::print("{:<24}{:>12.1f}{:>12}{:>11.0f}%\n",
             fmt::format("{} {}", tr("prefill", "预填充"), result.prompt), result.prefill_tokens_per_second,
             "", 100 * result.prefill_share());
  for (const DecodeSpeed& speed : result.decode) {
    fmt::print("{:<24}{:>12.1f}{:>11.0f}%{:>11.0f}%\n",
               fmt::format("{} x{}", tr("decode", "解码"), speed.sequences), speed.tokens_per_second,
               100 * result.read_share(speed), 100 * result.int8_share(speed));
  }
  fmt::print("{} {:.0f} ms, {} {:.0f} MB\n", tr("load", "加载"), result.load_ms, tr("resident", "常驻内存"),
             result.rss_mb);
}

Status run(const BenchOptions& options) {
  if (!options.write.empty()) {
    if (options.shape.empty()) return fail("--write needs --shape");
    TRY_ASSIGN(const GgufWriter writer, random_model(options.shape, options.type, options.seed));
    return writer.write(options.write);
  }
  TRY_ASSIGN(const BenchResult result, measure(options));
  options.json ? print_json(result) : print_table(result);
  return {};
}

}  // namespace

int run_bench(int argc, char** argv) {
  BenchOptions options;
  CLI::App app(tr("Measures prefill and decode, and the share of what this machine can do.",
                  "测量预填充与解码速度，以及占本机极限的比例。"));
  app.name("aloud bench");
  auto* model = app.add_option("--model", options.model,
                               tr("model file (default: the embedded one)", "模型文件（默认：内置模型）"));
  app.add_option("--shape", options.shape,
                 fmt::format("{}: {}", tr("random weights of a known shape", "已知形状的随机权重"),
                             fmt::join(known_shapes(), ", ")))
      ->excludes(model);
  app.add_option("--type", options.type,
                 tr("weight type of --shape (Q4_K_M, Q8_0, ...)", "--shape 的权重类型（Q4_K_M、Q8_0 等）"))
      ->capture_default_str();
  app.add_option("--write", options.write,
                 tr("write the random model to this file and stop", "将随机模型写入该文件后退出"));
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
  app.add_option("--threads", options.threads,
                 tr("threads (default: physical cores)", "线程数（默认：物理核数）"))
      ->check(CLI::Range(1, 1024));
  add_kv_type_option(app, options.kv_type);
  app.add_option("--repeats", options.repeats,
                 tr("rounds of prefill; the median counts", "预填充轮数，取中位数"))
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--seed", options.seed, tr("seed of the random weights", "随机权重的种子"))
      ->capture_default_str();
  add_sidecar_option(app, options.no_sidecar);
  app.add_flag("--json", options.json, tr("print JSON", "输出 JSON"));
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  if (const Status status = run(options); !status) return report_error("bench", status.error().message);
  return kExitSuccess;
}

}  // namespace aloud
