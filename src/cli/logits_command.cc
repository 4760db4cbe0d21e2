// aloud logits: the raw logits of given tokens, for checking a model against another program.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/processors.h"
#include "base/utf8.h"
#include "cli/command_line.h"
#include "cli/language.h"
#include "cli/model_source.h"
#include "cli/options.h"
#include "cli/text_file.h"
#include "engine/kv_cache.h"
#include "models/model.h"

namespace aloud {
namespace {

struct LogitsOptions {
  ModelOptions model;
  std::string tokens;
  std::string tokens_file;
  std::string out;
  std::int64_t last = 0;  // 0: all positions
  std::int64_t chunk = 512;
  bool json = false;
};

Result<std::vector<std::int32_t>> parse_tokens(std::string_view text, std::int64_t vocabulary) {
  std::vector<std::int32_t> tokens;
  std::size_t i = 0;
  const auto separates = [](char c) { return c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (i < text.size()) {
    if (separates(text[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && !separates(text[end])) ++end;
    const std::string_view word = text.substr(i, end - i);
    std::int32_t token = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), token);
    if (error != std::errc() || rest != word.data() + word.size() || token < 0 || token >= vocabulary) {
      return fail("token {} is not a number from 0 to {}", printable(word), vocabulary - 1);
    }
    tokens.push_back(token);
    i = end;
  }
  if (tokens.empty()) return fail("no tokens were given");
  return tokens;
}

Result<std::string> read_tokens_text(const LogitsOptions& options) {
  if (options.tokens_file.empty()) return options.tokens;
  if (options.tokens_file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  return read_text_file(options.tokens_file);
}

// Writes the logits of all wanted positions, chunk by chunk; returns how many.
Result<std::int64_t> write_logits(const LogitsOptions& options, Model& model,
                                  std::span<const std::int32_t> tokens, std::FILE* out) {
  const ModelShape& shape = model.shape();
  const auto count = static_cast<std::int64_t>(tokens.size());
  const std::int64_t first = options.last > 0 ? std::max<std::int64_t>(0, count - options.last) : 0;
  KvPool pages(shape.kv, pages_for(count));
  KvSequence sequence(pages);
  std::vector<float> logits;
  for (std::int64_t start = 0; start < count;) {
    // A chunk wants the logits of all its positions or of none.
    std::int64_t end = std::min(count, start + options.chunk);
    if (start < first) end = std::min(end, first);
    const bool wanted = start >= first;
    TRY(sequence.reserve(end - start));
    if (wanted) logits.resize(static_cast<std::size_t>((end - start) * shape.vocabulary));
    const SequenceStep step[] = {
        {sequence.view(),
         tokens.subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(end - start)),
         TokenRole::kPrompt, wanted ? Logits::kAll : Logits::kNone}};
    TRY(model.forward(step, logits.data()));
    sequence.advance(end - start);
    if (wanted && std::fwrite(logits.data(), sizeof(float), logits.size(), out) != logits.size()) {
      return fail("{}: cannot be written: {}", printable(options.out), std::strerror(errno));
    }
    start = end;
  }
  return count - first;
}

Status run(const LogitsOptions& options) {
  TRY_ASSIGN(const Isa isa, choose_isa());
  TRY_ASSIGN(const GgufFile file, open_model_file(options.model.model));
  const int threads = options.model.threads > 0 ? options.model.threads : physical_cores();
  ThreadPool pool(threads, options.model.engine.pin_threads);
  TRY_ASSIGN(const OpenPanels panels, open_panels(file, pool, {.sidecar = !options.model.engine.no_sidecar}));
  print_notice(panels.notice);
  TRY_ASSIGN(const std::unique_ptr<Model> model,
             load_model(file, panels.store, isa, pool, options.model.engine.kv_type));
  TRY_ASSIGN(const std::string text, read_tokens_text(options));
  TRY_ASSIGN(const std::vector<std::int32_t> tokens, parse_tokens(text, model->shape().vocabulary));
  std::FILE* out = std::fopen(options.out.c_str(), "wb");
  if (out == nullptr) return fail("{}: cannot be written: {}", printable(options.out), std::strerror(errno));
  Result<std::int64_t> positions = write_logits(options, *model, tokens, out);
  if (std::fclose(out) != 0 && positions)
    return fail("{}: cannot be written: {}", printable(options.out), std::strerror(errno));
  if (!positions) return pass_error(std::move(positions));
  if (options.json) {
    const nlohmann::ordered_json result = {{"positions", *positions},
                                           {"vocabulary", model->shape().vocabulary},
                                           {"out", replace_malformed_utf8(options.out)}};
    fmt::print("{}\n", result.dump());
  } else {
    fmt::print("{}: float32 [{}][{}]\n", printable(options.out), *positions, model->shape().vocabulary);
  }
  return {};
}

}  // namespace

int run_logits(int argc, char** argv) {
  LogitsOptions options;
  CLI::App app(tr("Writes the logits of given tokens: float32, little-endian, [tokens][vocabulary].",
                  "写出给定词元的 logits：float32，小端，[词元数][词表大小]。"));
  app.name("aloud logits");
  add_model_options(app, options.model);
  auto* tokens = app.add_option("--tokens", options.tokens,
                                tr("token numbers, separated by commas", "词元编号，以逗号分隔"));
  auto* tokens_file =
      app.add_option("--tokens-file", options.tokens_file,
                     tr("file with token numbers; - is stdin", "词元编号文件；- 表示标准输入"));
  tokens->excludes(tokens_file);
  app.add_option("--out", options.out, tr("file to write", "输出文件"))->required();
  app.add_option("--last", options.last, tr("only the last N positions", "仅最后 N 个位置"))
      ->check(CLI::PositiveNumber);
  app.add_option("--chunk", options.chunk, tr("tokens per step", "每步处理的词元数"))
      ->check(CLI::Range(1, 1 << 20));
  app.add_flag("--json", options.json, tr("print JSON", "输出 JSON"));
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  if (const Status status = run(options); !status) return report_error("logits", status.error().message);
  return kExitSuccess;
}

}  // namespace aloud
