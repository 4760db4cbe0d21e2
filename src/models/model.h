// A loaded model: one forward pass over the next tokens of one or many sequences.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "base/thread_pool.h"
#include "kernels/isa.h"
#include "kernels/kv_layout.h"
#include "models/token_role.h"
#include "weights/gguf.h"
#include "weights/panel_store.h"

namespace aloud {

struct ModelShape {
  std::string architecture;  // "llama", "qwen2", "qwen3", "deepseek2"
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t vocabulary = 0;  // logits per position
  std::int64_t context = 0;     // tokens that the file says it was made for
  std::int64_t parameters = 0;
  KvLayout kv;
  bool roles_matter = false;  // whether a token's role changes its bits (see token_role.h)
};

enum class Logits { kNone, kLast, kAll };

// The next tokens of one sequence. Positions are kv.length, kv.length + 1, ...; kv.pages must cover
// kv.length + tokens.size() tokens. The caller adds tokens.size() to its length after the step.
struct SequenceStep {
  KvView kv;
  std::span<const std::int32_t> tokens;  // at least one, each in [0, vocabulary)
  TokenRole role = TokenRole::kPrompt;   // of all of them
  Logits logits = Logits::kLast;
};

// Immutable weights plus scratch memory: forward() may be called by one thread at a time.
class Model {
 public:
  virtual ~Model() = default;
  virtual const ModelShape& shape() const = 0;
  // Scratch memory of attention for one sequence: steps of up to so many tokens within the context.
  virtual std::int64_t attention_scratch_bytes(std::int64_t tokens, std::int64_t context) const = 0;
  // Appends keys and values of all tokens to the sequences' pages and writes the wanted logits, sequence
  // after sequence, position after position: float32 [wanted positions][vocabulary]. Steps of generated
  // tokens come before those of prompts. A sequence's logits depend on its tokens and their roles, not on how
  // they are cut into steps nor on the other sequences of the call.
  // When stop becomes true the pass may end between two layers.
  // Errors: weights could not be read from their file. After an error or a stop nothing that was written is
  // to be trusted; after a stop the same steps may be given again.
  [[nodiscard]] virtual Status forward(std::span<const SequenceStep> steps, float* logits,
                                       const std::atomic<bool>* stop = nullptr) = 0;
};

// kv_type: how the cache keeps keys and values, one of kKvTypes.
// Reads the architecture from the file and builds the model over its mapped bytes and the panels that were
// made of them; file, panels and pool must outlive it. Errors: unsupported architecture, missing or invalid
// metadata, a tensor that is missing or of the wrong shape or type (each named with what was found and what
// was expected), heads that kv_type does not divide.
Result<std::unique_ptr<Model>> load_model(const GgufFile& file, const PanelStore& panels, Isa isa,
                                          ThreadPool& pool, DType kv_type = DType::kF16);

}  // namespace aloud
