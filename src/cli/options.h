// Options that commands share, and how they are read.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/chat_template.h"
#include "chat/reply.h"
#include "engine/loaded_model.h"

namespace aloud {

// A check that the help does not spell out.
CLI::Validator within(std::int64_t low, std::int64_t high);

// --pin-threads, --kv-type, --no-sidecar
struct EngineOptions {
  bool pin_threads = false;     // each on a core of its own
  DType kv_type = DType::kF16;  // of the cache
  bool no_sidecar = false;      // see open_panels()
};
void add_engine_options(CLI::App& app, EngineOptions& options);

// --model, --threads and those of the engine
struct ModelOptions {
  std::string model;  // empty: the default model
  int threads = 0;    // 0: one per physical core
  EngineOptions engine;
};
void add_model_options(CLI::App& app, ModelOptions& options);
void add_threads_option(CLI::App& app, int& threads);
// How a model is to be opened. context as in LoadOptions.
LoadOptions load_options(int threads, const EngineOptions& engine, std::optional<std::int64_t> context);

// One line on stderr, or nothing: what open_panels() had to say.
void print_notice(const std::string& notice);
void add_context_option(CLI::App& app, std::optional<std::int64_t>& context);
void add_json_option(CLI::App& app, bool& json);
// --data: the folder that conversations and keys are stored in; see data_folder().
void add_data_option(CLI::App& app, std::string& folder);

// --think, --think-tokens, --effort, --think-language, --max-tokens
struct ThinkingFlags {
  std::string think = "on";
  std::optional<std::int64_t> think_tokens;
  std::string effort;
  std::string language;
  std::optional<std::int64_t> max_tokens;
};
void add_thinking_options(CLI::App& app, ThinkingFlags& flags);
// A budget in tokens goes before an effort.
ThinkingOptions thinking_options(const ThinkingFlags& flags);

// --seed and what shapes the choice of tokens
struct SamplingFlags {
  SamplingChoices choices;
  std::vector<std::string> logit_bias;  // "ID=VALUE", added to those of choices
  std::vector<std::string> stops;
};
void add_sampling_options(CLI::App& app, SamplingFlags& flags);
// The file's defaults changed by the flags; the seed is random where none was given.
// Errors: a malformed bias; a value out of range (of a token's id only below vocabulary is known to be
// right).
Result<SamplingParameters> sampling_parameters(const SamplingFlags& flags, SamplingParameters defaults,
                                               std::int64_t vocabulary);

// A model that is ready to chat.
struct ChatModel {
  std::unique_ptr<LoadedModel> loaded;
  ChatTemplate chat_template;
  std::unique_ptr<Session> session;
};

// Opens --model and says so on stderr when it takes long.
Result<ChatModel> open_chat_model(const ModelOptions& options, std::optional<std::int64_t> context);

}  // namespace aloud
