// Fuzzes the three languages of grammars: the first byte chooses one, the rest is its source. What compiles
// is walked at random to its end, which must exist and be UTF-8 (and JSON, for schemas).
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "engine/grammar.h"
#include "engine/grammar_matcher.h"
#include "engine/grammar_vocabulary.h"
#include "text/test_vocabulary.h"

namespace aloud {
namespace {

constexpr int kMostTokens = 200;
constexpr int kDeepestJson = 300;

Result<Grammar::Ptr> compile(char language, std::string_view source) {
  if (language == 'r') return Grammar::from_regex(source);
  if (language == 'g') return Grammar::from_gbnf(source);
  const auto bounded = [](int depth, auto, auto&) { return depth < kDeepestJson; };
  const auto schema = nlohmann::ordered_json::parse(source, bounded, false);
  if (schema.is_discarded()) return fail("no JSON");
  return Grammar::from_json_schema(schema);
}

// The n-th allowed token, counting round.
TokenId choose(const TokenMask& mask, std::size_t n) {
  std::vector<TokenId> allowed;
  for (TokenId token = 0; token < mask.size(); ++token) {
    if (mask.allows(token)) allowed.push_back(token);
  }
  CHECK(!allowed.empty());
  return allowed[n % allowed.size()];
}

void walk(const Grammar::Ptr& grammar, const Tokenizer& tokenizer, const GrammarVocabulary& vocabulary,
          bool json, std::size_t seed) {
  GrammarMatcher matcher(grammar, vocabulary);
  std::string text;
  for (int i = 0; i < kMostTokens; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const TokenId token = choose(matcher.allowed(), seed >> 33);
    if (!matcher.accept(token)) return;  // only where more ways are open than are followed
    if (tokenizer.is_end_of_turn(token)) {
      CHECK(is_valid_utf8(text));
      CHECK(!json || nlohmann::ordered_json::accept(text));
      return;
    }
    text += tokenizer.bytes(token);
  }
}

}  // namespace
}  // namespace aloud

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace aloud;
  static const std::unique_ptr<Tokenizer> tokenizer = TestVocabulary("qwen2").tokenizer();
  static const GrammarVocabulary vocabulary(*tokenizer);
  if (size == 0) return 0;
  const std::string_view source(reinterpret_cast<const char*>(data) + 1, size - 1);
  const char language = static_cast<char>(data[0]);
  const auto grammar = compile(language, source);
  if (!grammar) return 0;
  const bool json = language != 'r' && language != 'g';
  for (std::size_t seed = 0; seed < 3; ++seed)
    walk(*grammar, *tokenizer, vocabulary, json, seed * 7919 + size);
  return 0;
}
