// The visible list of architectures; a new one is one file, one declaration in decoder.h and one line here.
#include "models/model.h"

#include "base/printable.h"
#include "models/decoder.h"

namespace aloud {
namespace {

constexpr Architecture kArchitectures[] = {
    {"llama", load_llama},
    {"qwen2", load_qwen2},
    {"qwen3", load_qwen3},
    {"deepseek2", load_deepseek2},
};

Result<std::unique_ptr<Model>> load(const GgufFile& file, const PanelStore& panels, Isa isa, ThreadPool& pool,
                                    DType kv_type) {
  TRY_ASSIGN(const std::string_view name, file.metadata().require_string("general.architecture"));
  const TensorLoader tensors(file, panels);
  std::string known;
  for (const Architecture& architecture : kArchitectures) {
    if (architecture.name == name) {
      TRY_ASSIGN(DecoderShape shape, DecoderShape::read(file));
      shape.kv_type = kv_type;
      TRY_ASSIGN(DecoderParts parts, architecture.load(tensors, shape));
      TRY(parts.kv.check());
      return make_decoder(tensors, std::move(parts), isa, pool);
    }
    known += fmt::format("{}{}", known.empty() ? "" : ", ", architecture.name);
  }
  return fail("architecture {} is not supported, expected one of {}", printable(name), known);
}

}  // namespace

Result<std::unique_ptr<Model>> load_model(const GgufFile& file, const PanelStore& panels, Isa isa,
                                          ThreadPool& pool, DType kv_type) {
  return load(file, panels, isa, pool, kv_type).map_error([&](const Error& error) {
    return Error{fmt::format("{}: {}", file.name(), error.message)};
  });
}

}  // namespace aloud
