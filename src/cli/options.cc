// Defines shared options with CLI11 and turns them into parameters.
#include "cli/options.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>

#include "base/printable.h"
#include "chat/thought_language.h"
#include "cli/language.h"
#include "cli/model_source.h"
#include "cli/progress.h"

namespace aloud {
namespace {

constexpr int kMostThreads = 1024;

// --logit-bias ID=VALUE
Result<LogitBias> parse_bias(const std::string& text) {
  LogitBias bias;
  const char* end = text.data() + text.size();
  const auto id = std::from_chars(text.data(), end, bias.token);
  if (id.ec == std::errc() && id.ptr != end && (*id.ptr == '=' || *id.ptr == ':')) {
    const auto value = std::from_chars(id.ptr + 1, end, bias.bias);
    if (value.ec == std::errc() && value.ptr == end) return bias;
  }
  return fail("logit_bias: {} is not ID=VALUE", printable(text));
}

const char* sampling_help(std::string_view name) {
  if (name == "temperature") return tr("0: always the likeliest token", "温度；0：总取概率最高的词元");
  if (name == "top_k")
    return tr("only the likeliest N tokens; 0: all", "只从概率最高的 N 个词元中选取；0：全部");
  if (name == "top_p")
    return tr("only the likeliest tokens that make up this share", "只取累计概率达到此值的词元");
  if (name == "min_p") {
    return tr("only tokens with this share of the likeliest one's probability",
              "只取概率不低于最高者此比例的词元");
  }
  if (name == "repeat_penalty") return tr("above 1: repeats less; 1: off", "大于 1：减少重复；1：关闭");
  if (name == "frequency_penalty")
    return tr("against tokens, by how often they occurred", "按出现次数惩罚词元");
  return tr("against tokens that occurred", "惩罚出现过的词元");
}

std::string option_name(std::string_view parameter) {
  std::string name = "--" + std::string(parameter);
  for (char& c : name) c = c == '_' ? '-' : c;
  return name;
}

}  // namespace

CLI::Validator within(std::int64_t low, std::int64_t high) { return CLI::Range(low, high).description(""); }

void add_model_options(CLI::App& app, ModelOptions& options) {
  app.add_option(
         "--model", options.model,
         tr("model file (GGUF); default: the one that is built in", "模型文件（GGUF）；默认：内置模型"))
      ->type_name("FILE");
  add_threads_option(app, options.threads);
  add_engine_options(app, options.engine);
}

void add_threads_option(CLI::App& app, int& threads) {
  app.add_option("--threads", threads, tr("threads; default: one per core", "线程数；默认：每个物理核心一个"))
      ->type_name("N")
      ->check(within(1, kMostThreads));
}

LoadOptions load_options(int threads, const EngineOptions& engine, std::optional<std::int64_t> context) {
  return {.threads = threads,
          .pin_threads = engine.pin_threads,
          .context = context,
          .kv_type = engine.kv_type,
          .panels = {.sidecar = !engine.no_sidecar}};
}

void add_engine_options(CLI::App& app, EngineOptions& options) {
  app.add_flag("--pin-threads", options.pin_threads,
               tr("each thread stays on a core of its own; for a machine that does nothing else",
                  "每个线程固定在各自的核心上；适用于专用机器"));
  app.add_flag(
      "--no-sidecar", options.no_sidecar,
      tr("neither read nor write packed weights in the cache folder", "不读写缓存文件夹中重排后的权重"));
  const auto name_of = [](DType known) { return CLI::detail::to_lower(std::string(info(known).name)); };
  std::vector<std::string> names;
  for (const DType known : kKvTypes) names.push_back(name_of(known));
  app.add_option_function<std::string>(
         "--kv-type",
         [&type = options.kv_type, name_of](const std::string& name) {
           type = *std::ranges::find(kKvTypes, name, name_of);
         },
         tr("how the context is kept; q8_0 takes half the memory; default: f16",
            "上下文的存储类型；q8_0 省一半内存；默认：f16"))
      ->type_name(fmt::format("{}", fmt::join(names, "|")))
      ->transform(CLI::IsMember(names, CLI::ignore_case).description(""));
}

void print_notice(const std::string& notice) {
  if (!notice.empty()) fmt::print(stderr, "{}\n", notice);
}

void add_context_option(CLI::App& app, std::optional<std::int64_t>& context) {
  app.add_option("--context", context,
                 tr("tokens of prompt and reply together; default: the model's, at most 8192",
                    "提示与回复的词元总数上限；默认：模型的上限，至多 8192"))
      ->type_name("N")
      ->check(within(1, std::int64_t{1} << 40));
}

void add_json_option(CLI::App& app, bool& json) {
  app.add_flag("--json", json, tr("one JSON object on stdout", "在标准输出上输出一个 JSON 对象"));
}

void add_data_option(CLI::App& app, std::string& folder) {
  app.add_option("--data", folder,
                 tr("folder of conversations and keys; default: ~/.local/share/aloud",
                    "对话与密钥所在的文件夹；默认：~/.local/share/aloud"))
      ->type_name("DIR");
}

void add_thinking_options(CLI::App& app, ThinkingFlags& flags) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  app.add_option("--think", flags.think,
                 tr("on or off: answer with or without a thought", "on 或 off：是否思考"))
      ->type_name("on|off")
      ->check(CLI::IsMember({"on", "off"}).description(""));
  app.add_option("--think-tokens", flags.think_tokens,
                 tr("most tokens of a thought; then it is closed and the model answers",
                    "思考的词元上限；用完后结束思考并作答"))
      ->type_name("N")
      ->check(within(0, most));
  std::vector<std::string> names;
  std::string known;
  for (const EffortLevel& level : effort_levels()) {
    names.emplace_back(level.name);
    known += fmt::format("{}{}: {}", known.empty() ? "" : ", ", level.name, level.budget_tokens);
  }
  app.add_option("--effort", flags.effort,
                 fmt::format("{} ({})", tr("the same in words", "同上，以级别表示"), known))
      ->type_name("low|medium|high")
      ->check(CLI::IsMember(names).description(""));
  std::vector<std::string> codes;
  std::string listed;
  for (const ThoughtLanguage& language : thought_languages()) {
    codes.emplace_back(language.code);
    listed += fmt::format("{}{}", listed.empty() ? "" : "|", language.code);
  }
  app.add_option("--think-language", flags.language,
                 tr("begins the thought in this language", "让模型以此语言开始思考"))
      ->type_name(listed)
      ->check(CLI::IsMember(codes).description(""));
  app.add_option("--max-tokens", flags.max_tokens,
                 tr("most tokens of thought and answer together", "思考与回答合计的词元上限"))
      ->type_name("N")
      ->check(within(1, most));
}

ThinkingOptions thinking_options(const ThinkingFlags& flags) {
  ThinkingOptions options;
  options.enabled = flags.think == "on";
  if (const EffortLevel* level = find_effort(flags.effort)) {
    options.effort = level->name;
    options.budget_tokens = level->budget_tokens;
  }
  if (flags.think_tokens) options.budget_tokens = flags.think_tokens;
  options.language = flags.language;
  return options;
}

void add_sampling_options(CLI::App& app, SamplingFlags& flags) {
  flags.choices.values.resize(sampling_ranges().size());
  for (std::size_t i = 0; i < flags.choices.values.size(); ++i) {
    const SamplingRange& range = sampling_ranges()[i];
    app.add_option(option_name(range.name), flags.choices.values[i],
                   fmt::format("{} ({} - {})", sampling_help(range.name), range.low, range.high))
        ->type_name("X");
  }
  app.add_option("--seed", flags.choices.seed,
                 tr("same seed, same text; default: random", "相同种子得到相同文本；默认：随机"))
      ->type_name("N");
  app.add_option("--stop", flags.stops,
                 tr("text that ends the answer; may be given again", "遇到此文本即结束回答；可多次给出"))
      ->type_name("TEXT")
      ->allow_extra_args(false);
  app.add_option("--logit-bias", flags.logit_bias,
                 tr("ID=VALUE, added to a token's logit; may be given again",
                    "ID=值，加到词元的 logit 上；可多次给出"))
      ->type_name("ID=X")
      ->allow_extra_args(false);
}

Result<SamplingParameters> sampling_parameters(const SamplingFlags& flags, SamplingParameters defaults,
                                               std::int64_t vocabulary) {
  SamplingChoices choices = flags.choices;
  for (const std::string& text : flags.logit_bias) {
    TRY_ASSIGN(const LogitBias bias, parse_bias(text));
    choices.logit_bias.push_back(bias);
  }
  return choose_sampling(choices, std::move(defaults), vocabulary);
}

Result<ChatModel> open_chat_model(const ModelOptions& options, std::optional<std::int64_t> context) {
  const std::string text =
      fmt::format("{} {} …", tr("loading", "正在加载"),
                  options.model.empty() ? tr("the default model", "默认模型") : printable(options.model));
  Progress progress(text);
  TRY_ASSIGN(GgufFile file, open_model_file(options.model));
  LoadOptions load = load_options(options.threads, options.engine, context);
  load.panels.progress = [&](std::int64_t done, std::int64_t total) {
    progress.update(fmt::format("{} {}%", text, done * 100 / total));
  };
  TRY_ASSIGN(auto loaded, LoadedModel::load(std::move(file), load));
  TRY_ASSIGN(ChatTemplate chat_template, ChatTemplate::create(loaded->chat_template(), loaded->tokenizer()));
  progress.finish();
  print_notice(loaded->notice());
  if (context && *context > loaded->context()) {
    fmt::print(stderr,
               fmt::runtime(tr("the context is {} tokens: the model was made for no more\n",
                               "上下文为 {} 个词元：模型不支持更多\n")),
               loaded->context());
  }
  auto session = loaded->new_session();
  return ChatModel{std::move(loaded), std::move(chat_template), std::move(session)};
}

}  // namespace aloud
