// Times llama.cpp on a model file, in the steps of aloud bench, and prints one line of JSON with the same
// names.
//
// llama_bench LIBRARIES MODEL THREADS PROMPT GENERATE SEQUENCES CONTEXTS FLASH [VARIANT]
//   LIBRARIES   folder of libllama and of libggml-cpu-VARIANT.so for each kind of processor
//   SEQUENCES, CONTEXTS   1,8,32: every number of sequences at every context
//   FLASH       on, off: flash attention
//   VARIANT     haswell, ...: that variant instead of the one that llama.cpp chooses
#include <llama.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "ggml-cpu.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kChunkTokens = 512;
constexpr int kRepeats = 3;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "llama_bench: %s\n", what);
  std::exit(1);
}

std::vector<int> numbers(const std::string& list) {
  std::vector<int> result;
  std::istringstream stream(list);
  for (std::string item; std::getline(stream, item, ',');) result.push_back(std::stoi(item));
  return result;
}

std::int32_t token(std::int64_t vocabulary, int sequence, int position) {
  std::uint64_t x = 0x9E3779B97F4A7C15u * static_cast<std::uint64_t>(1 + sequence * 1'000'003 + position);
  x ^= x >> 29;
  return static_cast<std::int32_t>(x * 0xBF58476D1CE4E5B9u % static_cast<std::uint64_t>(vocabulary));
}

// The variant whose library is loaded, as its file says: "haswell".
std::string loaded_variant() {
  std::ifstream maps("/proc/self/maps");
  const std::string begin = "libggml-cpu-";
  for (std::string line; std::getline(maps, line);) {
    const auto at = line.find(begin);
    if (at != line.npos) return line.substr(at + begin.size(), line.find(".so") - at - begin.size());
  }
  return "unknown";
}

double resident_mb() {
  std::ifstream file("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  file >> size >> resident;
  return static_cast<double>(resident * sysconf(_SC_PAGESIZE)) * 1e-6;
}

struct Options {
  int threads, prompt, generate;
  bool flash;
};

// A context for so many sequences of so many tokens, with threads that stay, as in llama-bench.
class Context {
 public:
  Context(llama_model* model, const Options& options, int sequences, int tokens)
      : vocabulary_(llama_vocab_n_tokens(llama_model_get_vocab(model))) {
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<std::uint32_t>(sequences * tokens);
    params.n_batch = params.n_ubatch = kChunkTokens;
    params.n_seq_max = static_cast<std::uint32_t>(sequences);
    params.n_threads = params.n_threads_batch = options.threads;
    params.flash_attn_type = options.flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.no_perf = true;
    context_ = llama_init_from_model(model, params);
    if (context_ == nullptr) die("no context");
    ggml_backend_reg_t cpu = ggml_backend_reg_by_name("CPU");
    const auto make = reinterpret_cast<decltype(&ggml_threadpool_new)>(
        ggml_backend_reg_get_proc_address(cpu, "ggml_threadpool_new"));
    free_threads_ = reinterpret_cast<decltype(&ggml_threadpool_free)>(
        ggml_backend_reg_get_proc_address(cpu, "ggml_threadpool_free"));
    ggml_threadpool_params threads = ggml_threadpool_params_default(options.threads);
    threads_ = make(&threads);
    llama_attach_threadpool(context_, threads_, nullptr);
    batch_ = llama_batch_init(std::max(kChunkTokens, sequences), 0, 1);
  }
  ~Context() {
    llama_batch_free(batch_);
    llama_free(context_);
    free_threads_(threads_);
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void clear() { llama_memory_clear(llama_get_memory(context_), true); }

  void prefill(int sequence, int tokens) {
    for (int done = 0; done < tokens;) {
      const int end = std::min(tokens, done + kChunkTokens);
      for (; done < end; ++done) add(sequence, done, done == tokens - 1);
      decode();
    }
  }

  // One token of each sequence.
  void step(int sequences, int position) {
    for (int s = 0; s < sequences; ++s) add(s, position, true);
    decode();
  }

 private:
  void add(int sequence, int position, bool logits) {
    const int i = batch_.n_tokens++;
    batch_.token[i] = token(vocabulary_, sequence, position);
    batch_.pos[i] = position;
    batch_.n_seq_id[i] = 1;
    batch_.seq_id[i][0] = sequence;
    batch_.logits[i] = logits ? 1 : 0;
  }
  void decode() {
    if (llama_decode(context_, batch_) != 0) die("llama_decode failed");
    llama_synchronize(context_);
    batch_.n_tokens = 0;
  }

  std::int64_t vocabulary_;
  llama_context* context_;
  ggml_threadpool* threads_;
  decltype(&ggml_threadpool_free) free_threads_;
  llama_batch batch_;
};

struct Prefill {
  double seconds;
  double resident_mb;  // with one sequence in memory
};

Prefill measure_prefill(llama_model* model, const Options& options) {
  Context context(model, options, 1, options.prompt);
  std::vector<double> times;
  for (int round = 0; round <= kRepeats; ++round) {  // the first warms up
    context.clear();
    const Clock::time_point start = Clock::now();
    context.prefill(0, options.prompt);
    if (round > 0) times.push_back(seconds_since(start));
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], resident_mb()};
}

double decode_seconds(llama_model* model, const Options& options, int sequences, int tokens) {
  Context context(model, options, sequences, tokens + options.generate);
  for (int s = 0; s < sequences; ++s) context.prefill(s, tokens);
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < options.generate; ++i) context.step(sequences, tokens + i);
  return seconds_since(start);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 9 && argc != 10)
    die("expected LIBRARIES MODEL THREADS PROMPT GENERATE SEQUENCES CONTEXTS FLASH [VARIANT]");
  const std::string libraries = argv[1];
  const Options options = {std::stoi(argv[3]), std::stoi(argv[4]), std::stoi(argv[5]),
                           std::string(argv[8]) == "on"};
  llama_log_set(
      [](ggml_log_level level, const char* text, void*) {
        if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
      },
      nullptr);
  if (argc == 10) {
    if (ggml_backend_load((libraries + "/libggml-cpu-" + argv[9] + ".so").c_str()) == nullptr)
      die("no such variant");
  } else {
    ggml_backend_load_all_from_path(libraries.c_str());
  }

  const Clock::time_point start = Clock::now();
  llama_model* model = llama_model_load_from_file(argv[2], llama_model_default_params());
  const double load_seconds = seconds_since(start);
  if (model == nullptr) die("the model could not be loaded");

  std::printf("{\"variant\": \"%s\", \"threads\": %d, \"flash_attention\": %s, \"load_ms\": %.1f",
              loaded_variant().c_str(), options.threads, options.flash ? "true" : "false",
              load_seconds * 1e3);
  const Prefill prefill = measure_prefill(model, options);
  std::printf(", \"rss_mb\": %.1f, \"prefill_tokens_per_second\": %.3f, \"decode\": [", prefill.resident_mb,
              options.prompt / prefill.seconds);
  const char* comma = "";
  for (const int tokens : numbers(argv[7])) {
    for (const int sequences : numbers(argv[6])) {
      const double speed = sequences * options.generate / decode_seconds(model, options, sequences, tokens);
      std::printf("%s{\"sequences\": %d, \"context\": %d, \"tokens_per_second\": %.3f}", comma, sequences,
                  tokens, speed);
      comma = ", ";
    }
  }
  std::printf("]}\n");
  llama_model_free(model);
}
