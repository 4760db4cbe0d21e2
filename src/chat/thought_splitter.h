// Tells the thought of a reply from its answer, token by token.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "text/tokenizer.h"

namespace aloud {

inline constexpr std::string_view kThoughtOpen = "<think>";
inline constexpr std::string_view kThoughtClose = "</think>";

// True when a prompt ends inside an open thought, as templates do that begin the reply with "<think>\n".
bool ends_in_thought(const Tokenizer& tokenizer, std::span<const TokenId> prompt);

// A reply is a thought and then an answer; either may be missing. Where the vocabulary has the tags as markup
// tokens only those tokens count; where it has not, the text of ordinary tokens counts. An opening tag counts
// before the answer has begun, a closing tag in a thought; a closing tag that closes nothing and stands at
// the start of a line of an answer without a thought is dropped; everything else that looks like a tag is
// text.
class ThoughtSplitter {
 public:
  // What became certain with a token. The thought comes before the answer.
  struct Text {
    std::string thought;  // without white space at its beginning and end
    std::string answer;   // without line ends at its beginning
  };

  ThoughtSplitter(const Tokenizer& tokenizer, bool starts_in_thought);
  // Before the first token: everything is answer, tags and line ends too.
  void expect_answer_only();

  Text push(TokenId token);
  // Takes a token that the model did not write: it is not counted.
  Text give(TokenId token);
  // Ends an open thought from outside (a budget). A model that would open another one there is not heard: its
  // tag is dropped and what follows is the answer.
  Text close();
  // The answer begins, with something that is no text (a call of a tool). REQUIRES: not in a thought.
  Text begin_answer();
  // What was held back, at the end of the reply.
  Text finish();

  bool in_thought() const { return state_ == State::kThought; }
  bool has_thought() const { return has_thought_; }
  bool has_answer() const { return state_ == State::kAnswer; }     // it has begun with something visible
  std::int64_t thought_tokens() const { return thought_tokens_; }  // with the tags that the model wrote

 private:
  enum class State {
    kStart,  // nothing visible yet, or a thought just closed: the answer has not begun
    kThought,
    kAnswer,
  };

  void take_text(std::string_view text, Text& out);
  void take_open(Text& out);
  void take_close(Text& out);
  void begin_thought();
  bool scan_start();
  bool scan_thought(Text& out);
  void emit_thought(std::string_view text, Text& out);
  void emit_answer(std::string_view text, Text& out);
  void flush(Text& out);

  const Tokenizer& tokenizer_;
  TokenId open_;
  TokenId close_;
  StreamDecoder decoder_;
  State state_;
  bool has_thought_;
  bool may_open_ = true;
  bool answer_only_ = false;
  bool thought_begun_ = false;  // something visible was in the thought
  bool at_line_start_ = true;   // of the answer
  std::string held_;            // text that may be, or begin, a tag
  std::string space_;           // white space of the thought that may be its end
  std::int64_t thought_tokens_ = 0;
  std::int64_t undecided_tokens_ = 0;
};

}  // namespace aloud
