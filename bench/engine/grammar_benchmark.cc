// What the mask of a grammar costs: per token of a reply, on average, and for a state that was never seen
// before.
//   grammar_benchmark --benchmark_filter=mask
// The vocabularies are those of tests/data/tokenizers.
#include <benchmark/benchmark.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/grammar.h"
#include "engine/grammar_matcher.h"
#include "engine/grammar_vocabulary.h"
#include "engine/vocabulary.h"
#include "kernels/register.h"

namespace aloud {
namespace {

std::unique_ptr<Tokenizer> open_tokenizer(const std::string& name) {
  const auto file = GgufFile::open(ALOUD_TEST_DATA "/tokenizers/" + name + ".gguf");
  if (!file) return nullptr;
  auto tokenizer = load_tokenizer(*file);
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

struct Reply {
  const char* name;
  const char* schema;
  const char* text;
};
constexpr Reply kReplies[] = {
    {"record",
     R"({"type": "object", "additionalProperties": false, "required": ["name", "age", "email", "tags", "bio"],
         "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
                        "email": {"type": "string", "format": "email"},
                        "tags": {"type": "array", "items": {"enum": ["new", "old", "blue"]}, "maxItems": 5},
                        "bio": {"type": "string", "maxLength": 400}}})",
     R"({"name": "Ada Lovelace", "age": 36, "email": "ada@example.org", "tags": ["new", "blue"], )"
     R"("bio": "She wrote the first program for a machine that was never built, and saw further than its maker."})"},
    {"any", "true",
     R"({"people": [{"name": "Ada", "born": 1815, "works": ["Notes", "Letters"]}, {"name": "Charles", "born": 1791}], )"
     R"("comment": "Both of them lived in London, and both liked \"difference\".", "exact": true, "score": 0.75})"},
    {"tree",
     R"({"type": "object", "required": ["op"], "additionalProperties": false,
         "properties": {"op": {"enum": ["+", "*", "number"]}, "left": {"$ref": "#"}, "right": {"$ref": "#"},
                        "value": {"type": "number"}}})",
     R"({"op": "+", "left": {"op": "*", "left": {"op": "number", "value": 2.5}, "right": {"op": "number", "value": 4}}, )"
     R"("right": {"op": "number", "value": -1}})"},
};

// A whole reply again and again; the time is per token.
void mask(benchmark::State& state, const std::string& vocabulary_name, const Reply& reply) {
  const auto tokenizer = open_tokenizer(vocabulary_name);
  if (tokenizer == nullptr) return state.SkipWithError("no such vocabulary");
  const GrammarVocabulary vocabulary(*tokenizer);
  const auto grammar = Grammar::from_json_schema(nlohmann::ordered_json::parse(reply.schema));
  if (!grammar) return state.SkipWithError(grammar.error().message.c_str());
  const std::vector<TokenId> tokens = tokenizer->encode_plain(reply.text);
  const auto once = [&] {
    GrammarMatcher matcher(*grammar, vocabulary);
    for (const TokenId token : tokens) {
      if (!matcher.allowed().allows(token) || !matcher.accept(token)) return false;
    }
    return matcher.complete();
  };
  if (!once()) return state.SkipWithError("the reply is refused");
  for (auto _ : state) benchmark::DoNotOptimize(once());
  state.SetItemsProcessed(state.iterations() * std::ssize(tokens));
  state.counters["us_per_token"] =
      benchmark::Counter(static_cast<double>(state.iterations() * std::ssize(tokens)) / 1e6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// The first reply of a model: nothing is in the cache.
void first_reply(benchmark::State& state, const std::string& vocabulary_name, const Reply& reply) {
  const auto tokenizer = open_tokenizer(vocabulary_name);
  if (tokenizer == nullptr) return state.SkipWithError("no such vocabulary");
  const std::vector<TokenId> tokens = tokenizer->encode_plain(reply.text);
  const auto schema = nlohmann::ordered_json::parse(reply.schema);
  for (auto _ : state) {
    state.PauseTiming();
    const GrammarVocabulary vocabulary(*tokenizer);
    const auto grammar = Grammar::from_json_schema(schema);
    state.ResumeTiming();
    GrammarMatcher matcher(*grammar, vocabulary);
    for (const TokenId token : tokens) {
      benchmark::DoNotOptimize(matcher.allowed());
      matcher.accept(token);
    }
  }
  state.counters["us_per_token"] =
      benchmark::Counter(static_cast<double>(state.iterations() * std::ssize(tokens)) / 1e6,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void compile(benchmark::State& state, const Reply& reply) {
  const auto schema = nlohmann::ordered_json::parse(reply.schema);
  for (auto _ : state) benchmark::DoNotOptimize(Grammar::from_json_schema(schema));
}

}  // namespace

void register_benchmarks() {
  for (const Reply& reply : kReplies) {
    benchmark::RegisterBenchmark(("compile/" + std::string(reply.name)).c_str(), compile, reply)
        ->Unit(benchmark::kMicrosecond);
    for (const std::string vocabulary : {"qwen2", "deepseek-v3"}) {
      const std::string name = "/" + vocabulary + "/" + reply.name;
      benchmark::RegisterBenchmark(("mask" + name).c_str(), mask, vocabulary, reply)
          ->Unit(benchmark::kMicrosecond);
      benchmark::RegisterBenchmark(("first_reply" + name).c_str(), first_reply, vocabulary, reply)
          ->Unit(benchmark::kMillisecond)
          ->Iterations(3);
    }
  }
}

}  // namespace aloud
