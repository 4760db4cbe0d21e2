// What the tests of grammars share: vocabularies, and asking a grammar about whole texts.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "engine/grammar.h"
#include "engine/grammar_matcher.h"
#include "engine/grammar_vocabulary.h"
#include "text/test_vocabulary.h"

namespace aloud {

// A small vocabulary with all bytes, and the grammars' view of it.
struct SmallVocabulary {
  std::unique_ptr<Tokenizer> tokenizer = TestVocabulary("qwen2").tokenizer();
  GrammarVocabulary vocabulary{*tokenizer};
};

inline bool matches(const Grammar::Ptr& grammar, std::string_view text) {
  static const SmallVocabulary small;
  GrammarMatcher matcher(grammar, small.vocabulary);
  return matcher.accept_text(text) && matcher.complete();
}

inline bool matches(const Result<Grammar::Ptr>& grammar, std::string_view text) {
  EXPECT_TRUE(grammar) << grammar.error().message;
  return grammar && matches(*grammar, text);
}

inline Result<Grammar::Ptr> schema_grammar(std::string_view schema) {
  return Grammar::from_json_schema(nlohmann::ordered_json::parse(schema));
}

// The message, or "none".
inline std::string error_of(const Result<Grammar::Ptr>& grammar) {
  return grammar ? "none" : grammar.error().message;
}

}  // namespace aloud
