// What aloud bench found out, for people and for programs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bench_cost.h"
#include "kernels/machine.h"

namespace aloud {

struct DecodeSpeed {
  std::int64_t sequences = 0;
  std::int64_t context = 0;      // tokens of each before it generates
  double tokens_per_second = 0;  // of all sequences together
};

// One model on one number of threads.
struct BenchResult {
  std::string model;  // untrusted text
  Machine machine;
  std::string date;  // UTC, "2026-01-31T12:00:00Z"
  std::string_view isa;
  std::string_view kv_type;
  int threads = 0;
  std::int64_t prompt = 0;    // tokens of the prefill
  std::int64_t generate = 0;  // tokens of each sequence
  double prefill_tokens_per_second = 0;
  std::vector<DecodeSpeed> decode;
  MachineLimits limits;
  std::vector<std::string_view> suspect;  // names of limits, see suspect_limits()
  ModelCost cost;
  double load_ms = 0;
  double rss_mb = 0;  // after the prefill: with one sequence in memory

  double prefill_compute_share() const;
  // Weights once per step and every sequence's cache, at its mean length.
  double decode_read_share(const DecodeSpeed& speed) const;
  double decode_compute_share(const DecodeSpeed& speed) const;
};

void print_bench_json(const BenchResult& result);  // one line
void print_bench_table(const BenchResult& result);

}  // namespace aloud
