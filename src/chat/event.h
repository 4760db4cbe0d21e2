// What a listener hears while a reply comes into being.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>

namespace aloud {

// The prompt is being read; once at least, done == total last (unless cancelled).
struct PrefillEvent {
  std::int64_t done = 0;
  std::int64_t total = 0;
};

// More of the thought; whole characters, never empty.
struct ThoughtEvent {
  std::string text;
};

enum class ThoughtEnd {
  kModel,       // the model closed it
  kBudget,      // its tokens were used up
  kUnfinished,  // the reply was stopped in the middle of it
};

// The thought is over; at most once for each thought, and only where there was one.
struct ThoughtEndEvent {
  double seconds = 0;
  std::int64_t tokens = 0;
  ThoughtEnd how = ThoughtEnd::kModel;
};

// More of the answer; whole characters, never empty.
struct AnswerEvent {
  std::string text;
};

using Event = std::variant<PrefillEvent, ThoughtEvent, ThoughtEndEvent, AnswerEvent>;
using EventSink = std::function<void(const Event&)>;

}  // namespace aloud
