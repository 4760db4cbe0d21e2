// The decoder that all architectures share: embedding, layers of attention and feed-forward, output.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/block.h"
#include "models/model.h"
#include "models/rope.h"
#include "models/tensor_loader.h"

namespace aloud {

// What every architecture's metadata says under its own prefix.
struct DecoderShape {
  std::string architecture;
  std::int64_t layers = 0;
  std::int64_t hidden = 0;
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t feed_forward = 0;  // inner width of the dense block
  std::int64_t context = 0;
  float epsilon = 0;
  DType kv_type = DType::kF16;  // of the cache, as the caller asked for

  // Errors: a key that is missing or out of range.
  static Result<DecoderShape> read(const GgufFile& file);
};

struct DecoderLayer {
  std::vector<float> attention_norm;
  std::unique_ptr<AttentionBlock> attention;
  std::vector<float> feed_forward_norm;
  std::unique_ptr<FeedForwardBlock> feed_forward;
};

// What an architecture's file puts together.
struct DecoderParts {
  DecoderShape shape;
  KvLayout kv;
  bool roles_matter = false;  // see ModelShape
  Rope rope;
  std::vector<DecoderLayer> layers;
};

// Adds embedding, output and norms of the layers from the file.
Result<std::unique_ptr<Model>> make_decoder(const TensorLoader& tensors, DecoderParts parts, Isa isa,
                                            ThreadPool& pool);

// One architecture: the name in general.architecture and how to put its layers together.
struct Architecture {
  const char* name;
  Result<DecoderParts> (*load)(const TensorLoader& tensors, const DecoderShape& shape);
};

Result<DecoderParts> load_llama(const TensorLoader& tensors, const DecoderShape& shape);
Result<DecoderParts> load_qwen2(const TensorLoader& tensors, const DecoderShape& shape);
Result<DecoderParts> load_qwen3(const TensorLoader& tensors, const DecoderShape& shape);
Result<DecoderParts> load_deepseek2(const TensorLoader& tensors, const DecoderShape& shape);

}  // namespace aloud
