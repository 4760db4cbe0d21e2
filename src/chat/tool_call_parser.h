// Finds calls of tools in an answer while it is being written.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "chat/code_fence.h"
#include "chat/tool_call_head.h"
#include "chat/tool_syntax.h"
#include "text/tokenizer.h"

namespace aloud {

// What became certain, in the order of the answer.
struct AnswerPiece {
  enum class Kind {
    kText,       // of the answer
    kCall,       // a call begins; text is the tool's name
    kArguments,  // more of its arguments
    kCallEnd,    // it is complete
  };
  Kind kind = Kind::kText;
  std::string text;
};

// A call counts from where its tool is named and its arguments begin; a tool that was not offered, broken
// JSON before that point, or a tag that no call follows is text. A call whose arguments break later stays a
// call, with the arguments as the model wrote them. Missing ends are made up for by the next call or the end
// of the turn. <tool_call> in ordinary tokens counts at the beginning of a line only, Llama's object at the
// beginning of the answer or after a call, and in a fenced block of code nothing counts but control tokens.
class ToolCallParser {
 public:
  // tools: the names that were offered.
  ToolCallParser(ToolSyntax syntax, const Tokenizer& tokenizer, std::vector<std::string> tools);

  // The token is one of the syntax's tags, which push_tag() must be told of instead of its text.
  bool is_tag(TokenId token) const;

  std::vector<AnswerPiece> push(std::string_view text);
  std::vector<AnswerPiece> push_tag(TokenId token);
  // At the end of the answer: what was held back.
  std::vector<AnswerPiece> finish();

  // The arguments of a call have begun and not ended.
  bool in_arguments() const { return state_ == State::kArguments; }

 private:
  enum class State {
    kText,
    kHead,       // held_ is a call as far as it goes; its arguments have not begun
    kArguments,  // held_ may begin the tag that closes the call
    kTail,       // after the arguments; held_ is what came since
    kBetween,    // after a call; held_ is what came since
  };

  void take(std::string_view text);
  void take(char c);
  void take_head();
  void take_argument(char c);
  void take_tail(char c);
  void take_between(char c);

  bool may_open(char c) const;
  void begin_call(const ToolCallHead& head);
  void end_call();
  void back_to_text();
  void say(char c);
  void tell(AnswerPiece::Kind kind, std::string_view text);
  void flush_text();
  std::vector<AnswerPiece> done();

  const ToolSyntax syntax_;
  const Tokenizer& tokenizer_;
  const std::vector<std::string> tools_;
  std::vector<TokenId> tags_;

  State state_ = State::kText;
  std::vector<AnswerPiece> pieces_;
  std::string held_;
  std::string text_;       // of the answer, not yet in pieces_
  std::string space_;      // white space that may stand before a call, where it is not told
  bool has_text_ = false;  // something visible
  CodeFence fence_;        // of the answer without its calls
  JsonExtent extent_;      // of the arguments
};

}  // namespace aloud
