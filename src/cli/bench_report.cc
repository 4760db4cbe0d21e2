// Prints results of aloud bench.
#include "cli/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/printable.h"
#include "base/utf8.h"
#include "cli/language.h"

namespace aloud {
namespace {

using nlohmann::ordered_json;

ordered_json limits_json(const MachineLimits& limits) {
  ordered_json json = ordered_json::object();
  for (const LimitField& field : kLimitFields) {
    const double value = limits.*field.value;
    json[std::string(field.name)] = value > 0 ? ordered_json(value) : ordered_json(nullptr);
  }
  return json;
}

ordered_json cost_json(const ModelCost& cost) {
  return {{"shared_bytes", cost.shared_bytes},
          {"expert_bytes", cost.expert_bytes},
          {"kv_bytes_per_token", cost.kv_bytes_per_token},
          {"prompt_token_macs", cost.prompt_token.int8 + cost.prompt_token.floats},
          {"generated_token_macs", cost.generated_token.int8 + cost.generated_token.floats}};
}

std::string percent(double share) { return fmt::format("{:.0f} %", 100 * share); }

// Columns on a terminal: a Chinese character takes two.
std::string padded(std::string_view text, int columns, bool to_the_right) {
  int width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    width += byte < 0x80 ? 1 : byte >= 0xE0 ? 2 : 0;
  }
  const std::string space(static_cast<std::size_t>(std::max(0, columns - width)), ' ');
  return to_the_right ? space + std::string(text) : std::string(text) + space;
}

void print_row(std::string_view what, std::string_view rate, std::string_view read,
               std::string_view compute) {
  fmt::print("{}{}{}{}\n", padded(what, 30, false), padded(rate, 12, true), padded(read, 14, true),
             padded(compute, 14, true));
}

void print_limits(const BenchResult& result) {
  const MachineLimits& limits = result.limits;
  fmt::print("{} {:.1f} GB/s, int8 {:.0f} Gop/s, ", tr("the machine reads", "本机极限：读取"),
             limits.read_gb_per_s, limits.int8_gops);
  if (limits.bf16_gops > 0) fmt::print("bf16 {:.0f} Gop/s, ", limits.bf16_gops);
  fmt::print("fp32 {:.0f} Gop/s\n", limits.fp32_gops);
  if (result.suspect.empty()) return;
  fmt::print(
      "{}: {}\n  ({})\n", tr("suspect", "可疑"), fmt::join(result.suspect, ", "),
      tr("machines of this kind were measured to do more than 5 % better", "同类机器的实测值高出 5 % 以上"));
}

}  // namespace

double BenchResult::prefill_compute_share() const {
  return compute_share(cost.prompt_token, prefill_tokens_per_second, limits);
}

double BenchResult::decode_read_share(const DecodeSpeed& speed) const {
  const double cached = static_cast<double>(speed.context) + static_cast<double>(generate) / 2;
  const double steps_per_second = speed.tokens_per_second / static_cast<double>(speed.sequences);
  return read_share(cost.step_bytes(speed.sequences, cached), steps_per_second, limits);
}

double BenchResult::decode_compute_share(const DecodeSpeed& speed) const {
  return compute_share(cost.generated_token, speed.tokens_per_second, limits);
}

void print_bench_json(const BenchResult& result) {
  ordered_json decode = ordered_json::array(), read = ordered_json::array(), compute = ordered_json::array();
  for (const DecodeSpeed& speed : result.decode) {
    decode.push_back({{"sequences", speed.sequences},
                      {"context", speed.context},
                      {"tokens_per_second", speed.tokens_per_second}});
    read.push_back(result.decode_read_share(speed));
    compute.push_back(result.decode_compute_share(speed));
  }
  const Machine& machine = result.machine;
  const ordered_json json = {
      {"model", replace_malformed_utf8(result.model)},
      {"machine",
       {{"processor", machine.processor},
        {"vendor", machine.vendor},
        {"family", machine.family},
        {"model", machine.model}}},
      {"date", result.date},
      {"isa", result.isa},
      {"threads", result.threads},
      {"kv_type", result.kv_type},
      {"prompt_tokens", result.prompt},
      {"generated_tokens", result.generate},
      {"prefill_tokens_per_second", result.prefill_tokens_per_second},
      {"decode", decode},
      {"limits", limits_json(result.limits)},
      {"suspect_limits", result.suspect},
      {"share_of_limit",
       {{"prefill_compute", result.prefill_compute_share()},
        {"decode_read", read},
        {"decode_compute", compute}}},
      {"cost", cost_json(result.cost)},
      {"load_ms", result.load_ms},
      {"rss_mb", result.rss_mb},
  };
  fmt::print("{}\n", json.dump());
}

void print_bench_table(const BenchResult& result) {
  fmt::print("{}, {} {}, {}, {}, {}\n", printable(result.model), result.threads, tr("threads", "线程"),
             result.isa,
             result.machine.processor.empty() ? tr("unknown processor", "未知处理器")
                                              : printable(result.machine.processor),
             result.date);
  print_limits(result);
  print_row("", tr("tokens/s", "词元/秒"), tr("of reading", "占读取"), tr("of arithmetic", "占算力"));
  print_row(fmt::format("{} {}", tr("prefill", "预填充"), result.prompt),
            fmt::format("{:.1f}", result.prefill_tokens_per_second), "",
            percent(result.prefill_compute_share()));
  for (const DecodeSpeed& speed : result.decode) {
    print_row(fmt::format(fmt::runtime(tr("decode x{}, context {}", "解码 x{}，上下文 {}")), speed.sequences,
                          speed.context),
              fmt::format("{:.1f}", speed.tokens_per_second), percent(result.decode_read_share(speed)),
              percent(result.decode_compute_share(speed)));
  }
  fmt::print("{} {:.0f} ms, {} {:.0f} MB\n", tr("load", "加载"), result.load_ms, tr("resident", "常驻内存"),
             result.rss_mb);
}

}  // namespace aloud
