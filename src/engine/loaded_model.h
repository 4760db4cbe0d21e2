// Everything that belongs to one model file: weights, vocabulary, template and defaults, open and ready.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/thread_pool.h"
#include "engine/sampling_parameters.h"
#include "engine/session.h"
#include "models/model.h"
#include "text/tokenizer.h"
#include "weights/gguf.h"
#include "weights/panel_sidecar.h"

namespace aloud {

inline constexpr std::int64_t kDefaultContextTokens = 8192;

struct LoadOptions {
  int threads = 0;                      // 0: one per physical core
  bool pin_threads = false;             // each to a core of its own
  std::optional<std::int64_t> context;  // absent: min(what the file was made for, kDefaultContextTokens)
  DType kv_type = DType::kF16;          // of the cache: one of kKvTypes
  PanelOptions panels;                  // where packed weights are kept
};

// Immutable but for the model's scratch memory: one session may compute at a time.
class LoadedModel {
 public:
  // Errors: what load_model() and load_tokenizer() say; a vocabulary larger than the model's logits; a model
  // that does not fit in memory with its context.
  static Result<std::unique_ptr<LoadedModel>> load(GgufFile file, const LoadOptions& options = {});

  // A model that was made elsewhere, with the vocabulary and the template of the file; of options only
  // threads and context count. Errors: of the vocabulary and the memory as above.
  static Result<std::unique_ptr<LoadedModel>> create(GgufFile file, std::unique_ptr<Model> model,
                                                     const LoadOptions& options = {});

  const GgufFile& file() const { return file_; }
  Model& model() const { return *model_; }
  ThreadPool& threads() { return pool_; }  // the model's; between its passes others may use them
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  std::string name() const;           // general.name, else the file's; untrusted text
  std::string chat_template() const;  // Jinja source; empty where the file has none
  SamplingParameters sampling() const { return default_sampling(file_.metadata()); }
  const std::string& notice() const { return panels_.notice; }  // see OpenPanels
  std::int64_t context() const { return context_; }             // never more than the file was made for

  std::unique_ptr<Session> new_session() const;

 private:
  LoadedModel(GgufFile file, const LoadOptions& options);

  // With the model there: the vocabulary, and whether they fit together and into memory.
  Status complete(const LoadOptions& options, std::optional<std::int64_t> available_bytes);

  GgufFile file_;
  ThreadPool pool_;
  OpenPanels panels_;
  std::unique_ptr<Model> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::int64_t context_ = 0;
};

}  // namespace aloud
