// Loads the parts of a model in order, checking memory before the large ones.
#include "engine/loaded_model.h"

#include <algorithm>

#include "base/printable.h"
#include "base/processors.h"
#include "engine/memory_plan.h"
#include "engine/vocabulary.h"

namespace aloud {

LoadedModel::LoadedModel(GgufFile file, const LoadOptions& options)
    : file_(std::move(file)),
      pool_(options.threads > 0 ? options.threads : physical_cores(), options.pin_threads) {}

Result<std::unique_ptr<LoadedModel>> LoadedModel::load(GgufFile file, const LoadOptions& options) {
  std::unique_ptr<LoadedModel> loaded(new LoadedModel(std::move(file), options));
  const GgufFile& source = loaded->file_;
  const std::optional<std::int64_t> available = available_memory_bytes();
  // Twice: the weights before they are touched, the context as soon as its size per token is known.
  TRY(check_memory({.weight_bytes = static_cast<std::int64_t>(source.bytes())}, available));
  TRY_ASSIGN(const Isa isa, choose_isa());
  TRY_ASSIGN(loaded->panels_, open_panels(source, loaded->pool_, options.panels));
  TRY_ASSIGN(loaded->model_, load_model(source, loaded->panels_.store, isa, loaded->pool_, options.kv_type));
  TRY(loaded->complete(options, available));
  return loaded;
}

Result<std::unique_ptr<LoadedModel>> LoadedModel::create(GgufFile file, std::unique_ptr<Model> model,
                                                         const LoadOptions& options) {
  std::unique_ptr<LoadedModel> loaded(new LoadedModel(std::move(file), options));
  loaded->model_ = std::move(model);
  TRY(loaded->complete(options, available_memory_bytes()));
  return loaded;
}

Status LoadedModel::complete(const LoadOptions& options, std::optional<std::int64_t> available_bytes) {
  TRY_ASSIGN(tokenizer_, load_tokenizer(file_));
  const ModelShape& shape = model_->shape();
  context_ = std::min(options.context.value_or(kDefaultContextTokens), shape.context);
  if (context_ < 1) return fail("{}: no context length", printable(file_.name()));
  if (tokenizer_->size() > shape.vocabulary) {
    return fail("{}: {} tokens in the vocabulary, but the model knows {}", printable(file_.name()),
                tokenizer_->size(), shape.vocabulary);
  }
  const auto weight_bytes = static_cast<std::int64_t>(file_.bytes());
  TRY(check_memory(plan_memory(weight_bytes, *model_, context_), available_bytes));
  return file_.check();
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
