// A model in memory with everything that serving it to many takes.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "chat/chat_template.h"
#include "engine/engine_thread.h"
#include "engine/grammar_vocabulary.h"
#include "engine/loaded_model.h"
#include "engine/scheduler.h"

namespace aloud {

struct ServedModelOptions {
  SchedulerOptions scheduler;  // its context is the loaded model's
  std::string system_prompt;   // of the operator, before every conversation; empty: none
};

// Any thread, but for its end: that cancels what still runs and waits for it.
class ServedModel {
 public:
  // name: as clients call it. Errors: the model's chat template cannot be parsed.
  static Result<std::unique_ptr<ServedModel>> start(std::string name, std::unique_ptr<LoadedModel> loaded,
                                                    const ServedModelOptions& options);

  const std::string& name() const { return name_; }
  const LoadedModel& loaded() const { return *loaded_; }
  const Tokenizer& tokenizer() const { return loaded_->tokenizer(); }
  const ChatTemplate& chat_template() const { return chat_template_; }
  const GrammarVocabulary& grammar_vocabulary() const { return grammar_vocabulary_; }
  Scheduler& scheduler() { return scheduler_; }

  // The engine has work and made no step since it was asked about kStuckSeconds ago.
  bool is_stuck();

  // The operator's system prompt and how many tokens of a prompt that begins with it everybody has in common.
  const std::string& system_prompt() const { return system_prompt_; }
  std::int64_t public_tokens(std::span<const TokenId> prompt) const;

 private:
  static constexpr double kStuckSeconds = 60;

  ServedModel(std::string name, std::unique_ptr<LoadedModel> loaded, ChatTemplate chat_template,
              const ServedModelOptions& options);

  std::string name_;
  std::unique_ptr<LoadedModel> loaded_;
  ChatTemplate chat_template_;
  GrammarVocabulary grammar_vocabulary_;
  std::string system_prompt_;
  std::vector<TokenId> public_prompt_;  // what all prompts with it begin with
  Scheduler scheduler_;
  std::mutex mutex_;  // of the following
  std::int64_t seen_steps_ = -1;
  double seen_at_seconds_ = 0;
  EngineThread engine_;  // last: ends first
};

}  // namespace aloud
