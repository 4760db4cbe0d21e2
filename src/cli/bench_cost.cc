// Counts bytes and multiply-adds.
#include "cli/bench_cost.h"

#include <cmath>
#include <string>

namespace aloud {
ModelCost ModelCost::of(const GgufFile& file, std::int64_t kv_bytes_per_token) {
  const Metadata& metadata = file.metadata();
  const std::string prefix = std::string(metadata.string("general.architecture").value_or("")) + ".";
  const bool tied = file.find("output.weight") == nullptr;
  ModelCost cost;
  cost.experts = metadata.integer(prefix + "expert_count").value_or(0);
  cost.used_experts = metadata.integer(prefix + "expert_used_count").value_or(0);
  cost.kv_bytes_per_token = static_cast<double>(kv_bytes_per_token);
  for (const Tensor& tensor : file.tensors()) {
    const bool embedding = tensor.name == "token_embd.weight";
    if (embedding && !tied) continue;  // a row of it per token
    const bool routed = cost.experts > 0 && tensor.name.find("_exps.") != std::string_view::npos;
    (routed ? cost.expert_bytes : cost.shared_bytes) += static_cast<double>(tensor.bytes.size());
    if (tensor.dimensions < 2) continue;
    const double part =
        routed ? static_cast<double>(cost.used_experts) / static_cast<double>(cost.experts) : 1.0;
    const double macs = part * static_cast<double>(tensor.values());
    const auto kind = is_float(tensor.type) ? &Macs::floats : &Macs::int8;
    cost.generated_token.*kind += macs;
    if (!embedding && tensor.name != "output.weight") cost.prompt_token.*kind += macs;
  }
  return cost;
}

double ModelCost::step_bytes(std::int64_t sequences, double cached_tokens) const {
  const auto tokens = static_cast<double>(sequences);
  double met = 0;
  if (experts > 0)
    met = 1 - std::pow(1 - static_cast<double>(used_experts) / static_cast<double>(experts), tokens);
  return shared_bytes + met * expert_bytes + tokens * cached_tokens * kv_bytes_per_token;
}

double read_share(double step_bytes, double steps_per_second, const MachineLimits& limits) {
  return 1e-9 * step_bytes * steps_per_second / limits.read_gb_per_s;
}

double compute_share(const Macs& token, double tokens_per_second, const MachineLimits& limits) {
  const double float_gops = limits.bf16_gops > 0 ? limits.bf16_gops : limits.fp32_gops;
  return 2e-9 * tokens_per_second * (token.int8 / limits.int8_gops + token.floats / float_gops);
}

}  // namespace aloud
