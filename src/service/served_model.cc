// Puts a loaded model, its scheduler and its thread together.
#include "service/served_model.h"

#include <algorithm>

#include "base/clock.h"

namespace aloud {
namespace {

std::size_t common_length(std::span<const TokenId> a, std::span<const TokenId> b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

// The tokens that every prompt with this system prompt begins with: what conversations that differ right
// after it have in common. Empty where the template cannot render one.
std::vector<TokenId> common_beginning(const ChatTemplate& chat_template, const std::string& system_prompt) {
  std::vector<TokenId> common;
  bool is_first = true;
  for (const auto& [more, user] : {std::pair{"", "a"}, {"", "0"}, {"\n\nx", "a"}}) {
    const Message messages[] = {{.role = Role::kSystem, .content = system_prompt + more},
                                {.role = Role::kUser, .content = user}};
    auto prompt = chat_template.prompt(messages, ThinkingOptions{});
    if (!prompt) return {};
    if (is_first) common = prompt->tokens;
    is_first = false;
    common.resize(common_length(common, prompt->tokens));
  }
  return common;
}

SchedulerOptions for_model(SchedulerOptions options, LoadedModel& loaded) {
  options.context = loaded.context();
  options.threads = &loaded.threads();
  return options;
}

}  // namespace

Result<std::unique_ptr<ServedModel>> ServedModel::start(std::string name, std::unique_ptr<LoadedModel> loaded,
                                                        const ServedModelOptions& options) {
  TRY_ASSIGN(ChatTemplate chat_template, ChatTemplate::create(loaded->chat_template(), loaded->tokenizer()));
  return std::unique_ptr<ServedModel>(
      new ServedModel(std::move(name), std::move(loaded), std::move(chat_template), options));
}

ServedModel::ServedModel(std::string name, std::unique_ptr<LoadedModel> loaded, ChatTemplate chat_template,
                         const ServedModelOptions& options)
    : name_(std::move(name)),
      loaded_(std::move(loaded)),
      chat_template_(std::move(chat_template)),
      grammar_vocabulary_(loaded_->tokenizer()),
      system_prompt_(options.system_prompt),
      scheduler_(loaded_->model(), loaded_->tokenizer().size(), for_model(options.scheduler, *loaded_)),
      engine_(scheduler_) {
  if (!system_prompt_.empty()) public_prompt_ = common_beginning(chat_template_, system_prompt_);
}

bool ServedModel::is_stuck() {
  const SchedulerStats stats = scheduler_.stats();
  const double now = steady_seconds();
  const std::lock_guard lock(mutex_);
  const bool has_work = stats.waiting + stats.reading + stats.generating > 0;
  if (!has_work || stats.steps != seen_steps_) {
    seen_steps_ = stats.steps;
    seen_at_seconds_ = now;
  }
  return now - seen_at_seconds_ > kStuckSeconds;
}

std::int64_t ServedModel::public_tokens(std::span<const TokenId> prompt) const {
  return static_cast<std::int64_t>(common_length(public_prompt_, prompt));
}

}  // namespace aloud
