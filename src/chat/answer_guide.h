// Holds an answer to grammars: all of it, or the calls of tools in it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "chat/tool_syntax.h"
#include "engine/grammar_matcher.h"
#include "text/tokenizer.h"

namespace aloud {

// The arguments of a tool, which are an object.
struct GuidedTool {
  std::string name;
  std::shared_ptr<const Grammar> arguments;
};

struct AnswerRules {
  std::shared_ptr<const Grammar> answer;  // all of it; null: free
  TokenId instead = kNoToken;             // begins a call, which may stand for the answer
  bool must_call = false;                 // the answer is one call of one of the tools
  std::vector<GuidedTool> tools;          // calls of others are free
  ToolSyntax syntax = ToolSyntax::kHermes;

  bool is_needed() const { return answer != nullptr || must_call || !tools.empty(); }
  bool hold_all() const { return answer != nullptr || must_call; }  // from the answer's beginning
};

// One answer, one thread. What a frame has around names and arguments is not left to the model: it is put in.
class AnswerGuide {
 public:
  // After a token: what is put onto the timeline besides, and whether the answer is complete.
  struct Step {
    std::vector<TokenId> put;
    bool stop = false;
  };

  // The vocabulary and its tokenizer must outlive the guide. Errors: a tool's arguments cannot be an object.
  static Result<AnswerGuide> create(AnswerRules rules, const GrammarVocabulary& vocabulary);

  // The answer is held from its beginning, and not only calls in it.
  bool holds_all() const { return rules_.hold_all(); }
  // The answer begins: what is put there.
  std::vector<TokenId> begin();
  // The model began to call a tool by itself and has written so much of its arguments.
  void begin_arguments(std::string_view tool, std::string_view arguments);

  // The next token is held to a grammar.
  bool holds() const { return matcher_.has_value(); }
  // nullptr: anything may come. Valid until the next call.
  const TokenMask* allowed();
  // Takes a token that was allowed. REQUIRES: holds().
  Step take(TokenId token);

 private:
  enum class Part { kAnswer, kName, kArguments };

  AnswerGuide(AnswerRules rules, const GrammarVocabulary& vocabulary)
      : rules_(std::move(rules)), vocabulary_(&vocabulary) {}

  void hold(Part part, std::shared_ptr<const Grammar> grammar);
  std::vector<TokenId> put_arguments(const GuidedTool& tool, std::string before);
  const GuidedTool* find_tool(std::string_view name) const;
  Step end_name();

  AnswerRules rules_;
  const GrammarVocabulary* vocabulary_;
  std::shared_ptr<const Grammar> names_;  // where one of several must be called
  std::string name_end_;                  // the first byte of what follows a name, where that is text
  Part part_ = Part::kAnswer;
  std::optional<GrammarMatcher> matcher_;
  bool at_start_ = false;  // of an answer that may be a call instead
  TokenMask first_mask_;
  std::string name_;
};

}  // namespace aloud
