// Runs a decoder over the tokens of many sequences.
#include "models/decoder.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "kernels/format.h"

namespace aloud {
namespace {

// Tokens that go through the layers together; more are cut into several passes, which bounds scratch memory.
constexpr std::int64_t kPassTokens = 512;

class Decoder : public Model {
 public:
  Decoder(DecoderParts parts, Isa isa, ThreadPool& pool)
      : parts_(std::move(parts)), compute_{isa, &pool, &vector_kernels(isa)} {}

  Status load(const TensorLoader& tensors);
  const ModelShape& shape() const override { return shape_; }
  std::int64_t attention_scratch_bytes(std::int64_t tokens, std::int64_t context) const override {
    return parts_.layers.front().attention->scratch_bytes(tokens, context, compute_.pool->size());
  }
  Status forward(std::span<const SequenceStep> steps, float* logits, const std::atomic<bool>* stop) override;

 private:
  // A pass and which of its tokens want logits.
  struct Work {
    Pass pass;
    std::vector<std::int32_t> tokens;
    std::vector<std::int32_t> wanted;
  };
  void run(Work& work, float* logits, const std::atomic<bool>* stop);
  void norm(std::span<const std::int32_t> tokens, const std::vector<float>& weight, const float* added,
            InputForms forms);

  const GgufFile* file_ = nullptr;
  const PanelStore* panels_ = nullptr;
  DecoderParts parts_;
  Compute compute_;
  ModelShape shape_;
  WeightMatrix embedding_, output_;
  std::vector<float> output_norm_;

  Scratch scratch_;
  Buffer<float> hidden_, added_;
};

Status Decoder::load(const TensorLoader& tensors) {
  file_ = &tensors.file();
  panels_ = &tensors.panels();
  const DecoderShape& shape = parts_.shape;
  const Tensor* embedding = tensors.file().find("token_embd.weight");
  if (embedding == nullptr) return fail("tensor token_embd.weight is missing");
  const std::int64_t vocabulary = embedding->shape[1];
  TRY_ASSIGN(embedding_, tensors.matrix("token_embd.weight", vocabulary, shape.hidden));
  output_ = embedding_;
  if (tensors.has("output.weight")) {
    TRY_ASSIGN(output_, tensors.matrix("output.weight", vocabulary, shape.hidden));
  }
  TRY_ASSIGN(output_norm_, tensors.vector("output_norm.weight", shape.hidden));
  for (std::size_t i = 0; i < parts_.layers.size(); ++i) {
    DecoderLayer& layer = parts_.layers[i];
    TRY_ASSIGN(layer.attention_norm, tensors.vector(fmt::format("blk.{}.attn_norm.weight", i), shape.hidden));
    TRY_ASSIGN(layer.feed_forward_norm,
               tensors.vector(fmt::format("blk.{}.ffn_norm.weight", i), shape.hidden));
  }
  shape_ = {shape.architecture, shape.layers,       shape.hidden, vocabulary, shape.context, 0,
            parts_.kv,          parts_.roles_matter};
  for (const Tensor& tensor : tensors.file().tensors()) shape_.parameters += tensor.values();
  return {};
}

Status Decoder::forward(std::span<const SequenceStep> steps, float* logits, const std::atomic<bool>* stop) {
  Work work;
  const auto flush = [&] {
    if (work.tokens.empty()) return;
    run(work, logits, stop);
    logits += static_cast<std::int64_t>(work.wanted.size()) * shape_.vocabulary;
    work = {};
  };
  CHECK(std::ranges::is_sorted(steps, {}, &SequenceStep::role));
  for (const SequenceStep& step : steps) {
    const auto count = static_cast<std::int64_t>(step.tokens.size());
    CHECK(count > 0);
    CHECK(step.kv.length + count <= static_cast<std::int64_t>(step.kv.pages.size()) * kPageTokens);
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t before = work.pass.tokens();
      const std::int64_t now = std::min(count - done, kPassTokens - before);
      work.pass.sequences.push_back({step.kv.pages, step.kv.length + done, before, now, step.role});
      for (std::int64_t i = 0; i < now; ++i) {
        const std::int32_t token = step.tokens[static_cast<std::size_t>(done + i)];
        CHECK(token >= 0 && token < shape_.vocabulary);
        work.tokens.push_back(token);
        work.pass.positions.push_back(step.kv.length + done + i);
        const bool last = done + i + 1 == count;
        if (step.logits == Logits::kAll || (step.logits == Logits::kLast && last)) {
          work.wanted.push_back(static_cast<std::int32_t>(before + i));
        }
      }
      done += now;
      if (work.pass.tokens() == kPassTokens) flush();
    }
  }
  flush();
  TRY(file_->check());
  return panels_->check();
}

// Adds what the last block found, if there was one, to the hidden states of some tokens, and norms them as
// the input of the next.
void Decoder::norm(std::span<const std::int32_t> tokens, const std::vector<float>& weight, const float* added,
                   InputForms forms) {
  const std::int64_t hidden = shape_.hidden;
  fill_activations(compute_, scratch_, std::ssize(tokens), hidden, forms, scratch_.activations,
                   [&](std::int64_t i, float* normed) {
                     const std::int64_t at = tokens[static_cast<std::size_t>(i)] * hidden;
                     float* state = hidden_.data() + at;
                     if (added != nullptr) compute_.vector->add(state, added + at, hidden);
                     compute_.vector->rms_norm(state, weight.data(), parts_.shape.epsilon, hidden, normed);
                   });
}

void Decoder::run(Work& work, float* logits, const std::atomic<bool>* stop) {
  const std::int64_t tokens = work.pass.tokens(), hidden = shape_.hidden;
  parts_.rope.angles(work.pass.positions, work.pass.cosine, work.pass.sine);
  float* x = hidden_.grow(tokens * hidden);
  float* added = added_.grow(tokens * hidden);
  compute_.each(tokens, hidden, [&](std::int64_t t, int) {
    dequantize_row(embedding_, work.tokens[static_cast<std::size_t>(t)],
                   {x + t * hidden, static_cast<std::size_t>(hidden)});
  });
  std::vector<std::int32_t> all(static_cast<std::size_t>(tokens));
  std::iota(all.begin(), all.end(), 0);
  for (std::size_t i = 0; i < parts_.layers.size(); ++i) {
    if (stop != nullptr && stop->load(std::memory_order_relaxed)) return;
    const DecoderLayer& layer = parts_.layers[i];
    norm(all, layer.attention_norm, i == 0 ? nullptr : added, layer.attention->input_forms());
    layer.attention->run(compute_, work.pass, static_cast<std::int64_t>(i), scratch_.activations, scratch_,
                         added);
    norm(all, layer.feed_forward_norm, added, layer.feed_forward->input_forms());
    layer.feed_forward->run(compute_, scratch_.activations, scratch_, added);
  }
  if (work.wanted.empty()) return;
  norm(work.wanted, output_norm_, added, input_form(output_.type));
  const MatmulJob job[] = {
      {output_, &scratch_.activations, nullptr, std::ssize(work.wanted), logits, shape_.vocabulary}};
  matmul(compute_.isa, job, *compute_.pool);
}

}  // namespace

Result<DecoderShape> DecoderShape::read(const GgufFile& file) {
  const Metadata& metadata = file.metadata();
  DecoderShape shape;
  TRY_ASSIGN(shape.architecture, metadata.require_string("general.architecture"));
  const std::string prefix = shape.architecture + ".";
  TRY_ASSIGN(shape.layers, metadata.require_integer(prefix + "block_count", 1, 4096));
  TRY_ASSIGN(shape.hidden, metadata.require_integer(prefix + "embedding_length", 1, 1 << 20));
  TRY_ASSIGN(shape.heads, metadata.require_integer(prefix + "attention.head_count", 1, 1 << 16));
  shape.kv_heads = shape.heads;
  if (metadata.find(prefix + "attention.head_count_kv") != nullptr) {
    TRY_ASSIGN(shape.kv_heads, metadata.require_integer(prefix + "attention.head_count_kv", 1, shape.heads));
  }
  if (shape.heads % shape.kv_heads != 0) {
    return fail("{}attention.head_count_kv is {}, expected a divisor of the {} heads", prefix, shape.kv_heads,
                shape.heads);
  }
  TRY_ASSIGN(shape.feed_forward, metadata.require_integer(prefix + "feed_forward_length", 1, 1 << 24));
  TRY_ASSIGN(shape.context, metadata.require_integer(prefix + "context_length", 1, std::int64_t{1} << 31));
  TRY_ASSIGN(const double epsilon, metadata.require_real(prefix + "attention.layer_norm_rms_epsilon"));
  if (!(epsilon >= 0 && epsilon < 1)) {
    return fail("{}attention.layer_norm_rms_epsilon is {}, expected 0 to 1", prefix, epsilon);
  }
  shape.epsilon = static_cast<float>(epsilon);
  return shape;
}

Result<std::unique_ptr<Model>> make_decoder(const TensorLoader& tensors, DecoderParts parts, Isa isa,
                                            ThreadPool& pool) {
  auto decoder = std::make_unique<Decoder>(std::move(parts), isa, pool);
  TRY(decoder->load(tensors));
  return decoder;
}

}  // namespace aloud
