// Loads the parts of a model in order, checking memory before the large ones.
#include "engine/loaded_model.h"

#include <algorithm>

#include "base/printable.h"
#include "engine/memory_plan.h"
#include "engine/vocabulary.h"

namespace aloud {

Result<std::unique_ptr<LoadedModel>> LoadedModel::load(GgufFile file, const LoadOptions& options) {
  const int threads = options.threads > 0 ? options.threads : physical_cores();
  std::unique_ptr<LoadedModel> loaded(new LoadedModel(std::move(file), threads));
  const GgufFile& source = loaded->file_;
  const auto weight_bytes = static_cast<std::int64_t>(source.bytes());
  const std::optional<std::int64_t> available = available_memory_bytes();
  // Twice: the weights before they are touched, the context as soon as its size per token is known.
  TRY(check_memory({.weight_bytes = weight_bytes}, available));
  TRY_ASSIGN(const Isa isa, choose_isa());
  TRY_ASSIGN(loaded->panels_, open_panels(source, loaded->pool_, options.panels));
  TRY_ASSIGN(loaded->model_, load_model(source, loaded->panels_.store, isa, loaded->pool_, options.kv_type));
  TRY_ASSIGN(loaded->tokenizer_, load_tokenizer(source));

  const ModelShape& shape = loaded->model_->shape();
  loaded->context_ = std::min(options.context.value_or(kDefaultContextTokens), shape.context);
  if (loaded->context_ < 1) return fail("{}: no context length", printable(source.name()));
  if (loaded->tokenizer_->size() > shape.vocabulary) {
    return fail("{}: {} tokens in the vocabulary, but the model knows {}", printable(source.name()),
                loaded->tokenizer_->size(), shape.vocabulary);
  }
  TRY(check_memory(plan_memory(weight_bytes, shape, loaded->context_), available));
  TRY(source.check());
  return loaded;
}

std::string LoadedModel::name() const {
  return std::string(file_.metadata().string("general.name").value_or(file_.name()));
}

std::string LoadedModel::chat_template() const {
  return std::string(file_.metadata().string("tokenizer.chat_template").value_or(""));
}

std::unique_ptr<Session> LoadedModel::new_session() const {
  return std::make_unique<Session>(*model_, tokenizer_->size(), context_);
}

}  // namespace aloud
