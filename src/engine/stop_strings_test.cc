// Tests of stop strings: any way of cutting the text gives the same outcome.
#include "engine/stop_strings.h"

#include <gtest/gtest.h>

namespace aloud {
namespace {

struct StopOutcome {
  std::string text;
  bool found = false;
  bool operator==(const StopOutcome&) const = default;
};

StopOutcome run(const std::vector<std::string>& stops, std::string_view text, std::size_t piece) {
  StopStrings matcher(stops);
  StopOutcome outcome;
  for (std::size_t i = 0; i < text.size(); i += piece) outcome.text += matcher.push(text.substr(i, piece));
  outcome.text += matcher.finish();
  outcome.found = matcher.found();
  return outcome;
}

TEST(StopStrings, EveryCutGivesTheSame) {
  struct Case {
    std::vector<std::string> stops;
    std::string_view text;
    StopOutcome expected;
  };
  const Case cases[] = {
      {{"END"}, "one two END three", {"one two ", true}},
      {{"END"}, "EEN ENDS", {"EEN ", true}},
      {{"aab"}, "aaaaab", {"aaa", true}},
      {{"\n\n", "stop"}, "a\nb stop\n\n", {"a\nb ", true}},
      {{"abcd", "bc"}, "xabcdy", {"xa", true}},  // the one that is complete first
      {{"bc", "abc"}, "xabc", {"x", true}},      // both at once: the longer
      {{"停止"}, "请停下，停止。", {"请停下，", true}},
      {{"END"}, "never EN", {"never EN", false}},
      {{""}, "text", {"text", false}},
      {{}, "text", {"text", false}},
  };
  for (const Case& one : cases) {
    for (std::size_t piece = 1; piece <= one.text.size(); ++piece) {
      EXPECT_EQ(run(one.stops, one.text, piece), one.expected) << one.text << " in pieces of " << piece;
    }
  }
}

TEST(StopStrings, NothingIsHeldBackWithoutNeed) {
  StopStrings matcher({"<end>"});
  EXPECT_EQ(matcher.push("a < b"), "a < b");
  EXPECT_EQ(matcher.push(" <e"), " ");
  EXPECT_EQ(matcher.push("gg>"), "<egg>");
  EXPECT_EQ(matcher.push("<end>tail"), "");
  EXPECT_TRUE(matcher.found());
  EXPECT_EQ(matcher.push("more"), "");
  EXPECT_EQ(matcher.finish(), "");
}

}  // namespace
}  // namespace aloud
