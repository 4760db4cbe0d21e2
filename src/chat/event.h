// What a listener hears while a reply comes into being.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "text/tokenizer.h"

namespace aloud {

// A token that was drawn, for listeners that asked for logprobs. Bytes may be part of a character.
struct TokenText {
  struct Alternative {
    TokenId token = kNoToken;
    std::string bytes;
    float logprob = 0;
  };
  TokenId token = kNoToken;
  std::string bytes;
  float logprob = 0;
  std::vector<Alternative> top;  // the likeliest, best first
};

// The prompt is being read; once at least, done == total last (unless cancelled).
struct PrefillEvent {
  std::int64_t done = 0;
  std::int64_t total = 0;
};

// More of the thought; whole characters, never empty.
struct ThoughtEvent {
  std::string text;
  std::vector<TokenText> tokens;  // that text came from; empty unless logprobs were asked for
};

enum class ThoughtEnd {
  kModel,       // the model closed it
  kBudget,      // its tokens were used up
  kLoop,        // it went round in circles
  kAsked,       // ReplyWriter::end_thinking()
  kUnfinished,  // the reply was stopped in the middle of it
};

// "model", "budget", "loop", "asked", "unfinished"
constexpr std::string_view name(ThoughtEnd how) {
  switch (how) {
    case ThoughtEnd::kModel:
      return "model";
    case ThoughtEnd::kBudget:
      return "budget";
    case ThoughtEnd::kLoop:
      return "loop";
    case ThoughtEnd::kAsked:
      return "asked";
    case ThoughtEnd::kUnfinished:
      break;
  }
  return "unfinished";
}

// The thought is over; at most once for each thought, and only where there was one.
struct ThoughtEndEvent {
  double seconds = 0;
  std::int64_t tokens = 0;
  ThoughtEnd how = ThoughtEnd::kModel;
};

// More of the answer; whole characters, never empty.
struct AnswerEvent {
  std::string text;
  std::vector<TokenText> tokens;  // as of a thought
};

// The model calls a tool that was offered; its arguments follow. index counts the reply's calls from 0.
struct ToolCallStartEvent {
  int index = 0;
  std::string id;
  std::string name;
};

// More of the arguments, as the model writes them; whole characters, never empty.
struct ToolArgumentsEvent {
  int index = 0;
  std::string text;
};

using Event = std::variant<PrefillEvent, ThoughtEvent, ThoughtEndEvent, AnswerEvent, ToolCallStartEvent,
                           ToolArgumentsEvent>;
using EventSink = std::function<void(const Event&)>;

}  // namespace aloud
