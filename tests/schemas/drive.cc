// Drives the grammars of JSON schemas for the conformance test: reads one case per line, writes one result
// per line.
//
// drive VOCABULARY.gguf SEED OUTPUTS < cases. A case is {"schema": ..., "instances": ["JSON text", ...]}. A
// result is
// {"error": "..."} or {"outputs": ["text", ...], "refused": [indices of instances]}: texts that came of
// random logits, and the instances that were not accepted token by token under the masks.
#include <bit>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "engine/grammar.h"
#include "engine/grammar_matcher.h"
#include "engine/grammar_vocabulary.h"
#include "engine/vocabulary.h"

namespace aloud {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMostTokens = 20'000;
constexpr int kUnhurriedTokens = 40;

class Driver {
 public:
  Driver(const Tokenizer& tokenizer, std::uint64_t seed)
      : tokenizer_(tokenizer), vocabulary_(tokenizer), random_(seed) {
    quote_ = tokenizer.encode_plain("\"").at(0);
    closing_ = tokenizer.encode_plain("}]0@:. end");
  }

  Json run(const Json& test, int outputs) {
    const auto grammar = Grammar::from_json_schema(test["schema"]);
    if (!grammar) return {{"error", grammar.error().message}};
    Json result = {{"outputs", Json::array()}, {"refused", Json::array()}};
    for (int i = 0; i < outputs; ++i) result["outputs"].push_back(random_text(*grammar));
    int index = 0;
    for (const Json& instance : test["instances"]) {
      if (!accepts(*grammar, instance.get<std::string>())) result["refused"].push_back(index);
      ++index;
    }
    return result;
  }

 private:
  // Random logits: every allowed token is as likely as any other. So some texts would never end; after a
  // while what closes something is preferred.
  std::string random_text(const Grammar::Ptr& grammar) {
    GrammarMatcher matcher(grammar, vocabulary_);
    std::string text;
    for (int i = 0; i < kMostTokens; ++i) {
      const TokenId token = choose(matcher.allowed(), i);
      if (token == kNoToken) return text + " [stuck]";
      if (!matcher.accept(token)) return text + " [allowed, but not accepted]";
      if (tokenizer_.is_end_of_turn(token)) return text;
      text += tokenizer_.bytes(token);
    }
    return text + " [no end]";
  }

  TokenId choose(const TokenMask& mask, int taken) {
    const bool hurry = taken > kUnhurriedTokens;
    if (hurry) {
      for (const TokenId token : tokenizer_.ends_of_turn()) {
        if (mask.allows(token)) return token;
      }
      if (mask.allows(quote_)) return quote_;
      const TokenId closing = closing_[random_() % closing_.size()];
      if (random_() % 8 != 0 && mask.allows(closing)) return closing;
    }
    std::vector<TokenId> allowed;
    for (std::size_t i = 0; i < mask.words().size(); ++i) {
      for (std::uint64_t word = mask.words()[i]; word != 0; word &= word - 1)
        allowed.push_back(static_cast<TokenId>(64 * i) + std::countr_zero(word));
    }
    return allowed.empty() ? kNoToken : allowed[random_() % allowed.size()];
  }

  bool accepts(const Grammar::Ptr& grammar, const std::string& text) {
    GrammarMatcher matcher(grammar, vocabulary_);
    for (const TokenId token : tokenizer_.encode_plain(text)) {
      if (!matcher.allowed().allows(token) || !matcher.accept(token)) return false;
    }
    return matcher.complete();
  }

  const Tokenizer& tokenizer_;
  GrammarVocabulary vocabulary_;
  std::mt19937_64 random_;
  TokenId quote_ = kNoToken;
  std::vector<TokenId> closing_;  // and what stands before an end in patterns and formats
};

int run(const char* path, std::uint64_t seed, int outputs) {
  const auto file = GgufFile::open(path);
  if (!file) return std::fprintf(stderr, "%s\n", file.error().message.c_str()), 1;
  const auto tokenizer = load_tokenizer(*file);
  if (!tokenizer) return std::fprintf(stderr, "%s\n", tokenizer.error().message.c_str()), 1;
  Driver driver(**tokenizer, seed);
  for (std::string line; std::getline(std::cin, line);)
    std::cout << driver.run(Json::parse(line), outputs).dump(-1, ' ', false, Json::error_handler_t::replace)
              << std::endl;
  return 0;
}

}  // namespace
}  // namespace aloud

int main(int argc, char** argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: %s VOCABULARY.gguf SEED OUTPUTS < CASES\n", argv[0]), 2;
  return aloud::run(argv[1], std::strtoull(argv[2], nullptr, 10), std::atoi(argv[3]));
}
