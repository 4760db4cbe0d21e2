// The server with models that say what a message tells them to say, as fast as it tells them: for tests of
// the page. What a message may tell:
// - think N, think "TEXT": the thought is N tokens in paragraphs "Step 1: ...", or that text; else a
//   short one
// - say N, say "TEXT": the answer is N tokens, or that text; else the model's name
// - tell: the answer is the prompt as the model was given it
// - fail: the model fails where the answer would begin
// - pace N: so many tokens in a second; else as fast as they are made
//
// The words may stand anywhere in what was asked last: "What is 6 times 7? think 40 pace 20 say "42"".
#include <charconv>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/serve_command.h"
#include "engine/fake_model.h"
#include "engine/vocabulary.h"
#include "weights/random_vocabulary.h"

namespace aloud {
namespace {

constexpr std::uint32_t kVocabulary = 4096;
constexpr TokenId kFirstWord = 256;
constexpr std::int64_t kWords = 3800;
constexpr std::int64_t kParagraph = 40;             // tokens
constexpr std::int64_t kFileBytes = 1'500'000'000;  // what the page takes for a model that can do something
constexpr std::string_view kNames[] = {"scripted", "scripted-two"};

// What stands after a word of the script: a number, or a text in quotes.
struct Said {
  std::int64_t count = 0;
  std::string_view text;
};

std::optional<Said> find(std::string_view script, std::string_view word) {
  for (std::size_t at = script.find(word); at != script.npos; at = script.find(word, at + 1)) {
    std::string_view rest = script.substr(at + word.size());
    if (!rest.starts_with(' ')) continue;
    rest.remove_prefix(1);
    if (rest.starts_with('"')) {
      rest.remove_prefix(1);
      return Said{.text = rest.substr(0, rest.find('"'))};
    }
    std::int64_t count = 0;
    if (std::from_chars(rest.data(), rest.data() + rest.size(), count).ec == std::errc())
      return Said{.count = count};
  }
  return std::nullopt;
}

// Whose every token is decided by the last message of the prompt and by how many tokens came since.
class Script {
 public:
  Script(std::string_view name, std::unique_ptr<Tokenizer> tokenizer)
      : name_(name), owned_(std::move(tokenizer)), tokenizer_(*owned_) {}

  std::int32_t next(std::span<const TokenId> all) {
    const auto user = last(all, "<｜User｜>"), reply = last(all, "<｜Assistant｜>");
    const std::string script = user < reply ? text(all.subspan(user, reply - user)) : std::string();
    if (const auto pace = find(script, "pace"); pace && pace->count > 0)
      wait(1.0 / static_cast<double>(pace->count));
    const auto tail = all.subspan(reply);
    const auto opened = last(tail, "<think>"), closed = last(tail, "</think>");
    if (closed < tail.size()) return answer(script, all, tail.size() - closed - 1);
    return opened < tail.size() ? thought(script, tail.size() - opened - 1)
                                : answer(script, all, tail.size());
  }

  // Called when a step begins.
  Status begin_step() {
    std::this_thread::sleep_for(std::chrono::duration<double>(due_seconds_ - steady_seconds()));
    step_seconds_ = steady_seconds();
    if (std::exchange(fails_, false)) return fail("the script wants it so");
    return {};
  }

 private:
  void wait(double seconds) { due_seconds_ = std::max(due_seconds_, step_seconds_ + seconds); }

  // The place of the last token of that name; past the end where there is none.
  std::size_t last(std::span<const TokenId> tokens, std::string_view markup) const {
    const TokenId token = tokenizer_.find_markup(markup);
    for (std::size_t at = tokens.size(); at-- > 0;) {
      if (tokens[at] == token) return at;
    }
    return tokens.size();
  }

  std::string text(std::span<const TokenId> tokens) const {
    std::string text;
    for (const TokenId token : tokens) text += tokenizer_.bytes(token);
    return text;
  }

  // Words that are not there twice, in paragraphs that can be told apart.
  std::vector<TokenId> words(std::int64_t count) const {
    std::vector<TokenId> tokens;
    for (std::int64_t step = 1; static_cast<std::int64_t>(tokens.size()) < count; ++step) {
      for (const TokenId token :
           tokenizer_.encode_plain(fmt::format("{}Step {}:", step > 1 ? "\n\n" : "", step)))
        tokens.push_back(token);
      while (static_cast<std::int64_t>(tokens.size()) < step * kParagraph)
        tokens.push_back(kFirstWord + static_cast<TokenId>(tokens.size() * 7 % kWords));
    }
    tokens.resize(static_cast<std::size_t>(count));
    return tokens;
  }

  std::vector<TokenId> tokens_of(const Said& said) const {
    return said.text.data() != nullptr ? tokenizer_.encode_plain(said.text) : words(said.count);
  }

  // at: tokens since the mark, the first of which the template wrote or the closing of a thought.
  std::int32_t thought(std::string_view script, std::size_t at) const {
    auto tokens = tokens_of(find(script, "think").value_or(Said{.text = "A short thought."}));
    for (const TokenId token : tokenizer_.encode_markup("\n</think>\n\n")) tokens.push_back(token);
    return tokens[std::min(at - std::min<std::size_t>(at, 1), tokens.size() - 1)];
  }

  std::int32_t answer(std::string_view script, std::span<const TokenId> all, std::size_t at) {
    const std::string_view closing = "\n\n";
    if (at < closing.size()) return tokenizer_.encode_plain(closing)[at];
    at -= closing.size();
    if (script.find("fail") != script.npos) fails_ = true;
    std::vector<TokenId> tokens;
    if (script.find("tell") != script.npos) {
      tokens = tokenizer_.encode_plain("```\n" + text(all.first(last(all, "<｜Assistant｜>"))) + "\n```");
    } else {
      tokens = tokens_of(find(script, "say").value_or(Said{.text = name_}));
    }
    return at < tokens.size() ? tokens[at] : tokenizer_.eos();
  }

  const std::string_view name_;
  const std::unique_ptr<Tokenizer> owned_;
  const Tokenizer& tokenizer_;
  double step_seconds_ = 0;
  double due_seconds_ = 0;
  bool fails_ = false;
};

std::vector<std::byte> model_file() {
  GgufWriter writer;
  put_random_vocabulary(writer, kVocabulary, "gpt-2");
  std::vector<std::byte> bytes;
  const auto put = [&](std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return Status();
  };
  CHECK(writer.write_to(put));
  return bytes;
}

Result<std::unique_ptr<ServedModel>> load(const ServeFlags& flags, std::string_view name) {
  static const std::vector<std::byte> bytes = model_file();
  TRY_ASSIGN(GgufFile file, GgufFile::from_memory(bytes, std::string(name)));
  TRY_ASSIGN(auto tokenizer, load_tokenizer(file));
  const auto script = std::make_shared<Script>(name, std::move(tokenizer));
  auto model = std::make_unique<FakeModel>(kVocabulary, [script](auto all) { return script->next(all); });
  model->before_forward = [script](auto) { return script->begin_step(); };
  model->certainty = 1000;
  TRY_ASSIGN(auto loaded, LoadedModel::create(std::move(file), std::move(model),
                                              load_options(flags.threads, flags.engine, flags.context)));
  const ServedModelOptions options = served_options(flags, *loaded);
  return ServedModel::start(std::string(name), std::move(loaded), options);
}

Result<std::vector<OfferedModel>> scripted_models(const ServeFlags& flags) {
  std::vector<OfferedModel> models;
  for (const std::string_view name : kNames) {
    models.push_back(
        {.name = std::string(name), .file_bytes = kFileBytes, .created_seconds = 0, .load = [flags, name] {
           return load(flags, name);
         }});
  }
  return models;
}

}  // namespace
}  // namespace aloud

// Called as the program is: scripted_server serve OPTIONS.
int main(int argc, char** argv) {
  return argc > 1 ? aloud::serve(argc - 1, argv + 1, aloud::scripted_models) : aloud::kExitUsage;
}
