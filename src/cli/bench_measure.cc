// Times a model's forward pass.
#include "cli/bench_measure.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "engine/kv_cache.h"

namespace aloud {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A prompt of tokens that repeat nothing and differ from sequence to sequence.
std::vector<std::int32_t> pseudo_prompt(const ModelShape& shape, std::int64_t tokens, std::int64_t sequence) {
  std::vector<std::int32_t> prompt;
  std::uint64_t state = 0x9E3779B97F4A7C15u * static_cast<std::uint64_t>(sequence + 1);
  for (std::int64_t i = 0; i < tokens; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    prompt.push_back(static_cast<std::int32_t>((state >> 33) % static_cast<std::uint64_t>(shape.vocabulary)));
  }
  return prompt;
}

std::int64_t pages_for(std::int64_t tokens) { return (tokens + kPageTokens - 1) / kPageTokens; }

Status step_one(Model& model, KvSequence& sequence, std::span<const std::int32_t> tokens, float* logits) {
  TRY(sequence.reserve(static_cast<std::int64_t>(tokens.size())));
  const SequenceStep step[] = {{sequence.view(), tokens, TokenRole::kPrompt, Logits::kLast}};
  TRY(model.forward(step, logits));
  sequence.advance(static_cast<std::int64_t>(tokens.size()));
  return {};
}

}  // namespace

TokenCost token_cost(const GgufFile& file) {
  const Metadata& metadata = file.metadata();
  const std::string prefix = std::string(metadata.string("general.architecture").value_or("")) + ".";
  const std::int64_t experts = metadata.integer(prefix + "expert_count").value_or(0);
  const std::int64_t used = metadata.integer(prefix + "expert_used_count").value_or(0);
  const bool tied = file.find("output.weight") == nullptr;
  TokenCost cost;
  for (const Tensor& tensor : file.tensors()) {
    const bool embedding = tensor.name == "token_embd.weight";
    if (embedding && !tied) continue;
    auto bytes = static_cast<std::int64_t>(tensor.bytes.size());
    std::int64_t macs = tensor.dimensions > 1 ? tensor.values() : 0;
    if (tensor.name.find("_exps.") != std::string_view::npos && experts > 0) {
      bytes = bytes / experts * used;
      macs = macs / experts * used;
    }
    cost.decode_bytes += bytes;
    cost.decode_macs += macs;
    if (!embedding && tensor.name != "output.weight") cost.prefill_macs += macs;
  }
  return cost;
}

Result<double> measure_prefill(Model& model, std::int64_t tokens, int repeats) {
  const std::vector<std::int32_t> prompt = pseudo_prompt(model.shape(), tokens, 0);
  std::vector<float> logits(static_cast<std::size_t>(model.shape().vocabulary));
  KvPool pages(model.shape().kv, pages_for(tokens));
  std::vector<double> times;
  // The first round warms up and does not count.
  for (int round = 0; round <= repeats; ++round) {
    KvSequence sequence(pages);
    const Clock::time_point start = Clock::now();
    TRY(step_one(model, sequence, prompt, logits.data()));
    if (round > 0) times.push_back(seconds_since(start));
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

Result<DecodeSpeed> measure_decode(Model& model, std::int64_t sequences, std::int64_t tokens) {
  const ModelShape& shape = model.shape();
  KvPool pages(shape.kv, sequences * pages_for(kDecodePromptTokens + tokens));
  std::vector<float> logits(static_cast<std::size_t>(sequences * shape.vocabulary));
  std::vector<std::unique_ptr<KvSequence>> timelines;
  std::vector<std::vector<std::int32_t>>
      generated;  // what each is fed; its content does not matter for the time
  for (std::int64_t s = 0; s < sequences; ++s) {
    timelines.push_back(std::make_unique<KvSequence>(pages));
    TRY(step_one(model, *timelines.back(), pseudo_prompt(shape, kDecodePromptTokens, s), logits.data()));
    generated.push_back(pseudo_prompt(shape, tokens, sequences + s));
  }
  const Clock::time_point start = Clock::now();
  std::vector<SequenceStep> steps;
  for (std::int64_t i = 0; i < tokens; ++i) {
    steps.clear();
    for (std::size_t s = 0; s < timelines.size(); ++s) {
      TRY(timelines[s]->reserve(1));
      steps.push_back({timelines[s]->view(), std::span(generated[s]).subspan(static_cast<std::size_t>(i), 1),
                       TokenRole::kGenerated, Logits::kLast});
    }
    TRY(model.forward(steps, logits.data()));
    for (const auto& timeline : timelines) timeline->advance(1);
  }
  return DecodeSpeed{sequences, static_cast<double>(sequences * tokens) / seconds_since(start)};
}

}  // namespace aloud
