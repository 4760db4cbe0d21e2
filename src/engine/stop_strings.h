// Finds stop strings in text that arrives in pieces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace aloud {

// Text that may begin a stop string is held back until it is clear that it does not.
class StopStrings {
 public:
  // Empty strings are ignored.
  explicit StopStrings(std::vector<std::string> stops);
  StopStrings(const StopStrings&) = delete;
  StopStrings& operator=(const StopStrings&) = delete;

  // Takes the next piece and returns what may be shown. When a stop string is complete, the text before it is
  // returned and found() tells which it was from then on; of several that end at the same place the earliest
  // to begin counts.
  std::string push(std::string_view text);
  // What was held back, at the end.
  std::string finish();
  // nullptr until then.
  const std::string* found() const { return found_; }

 private:
  std::vector<std::string> stops_;
  std::string held_;
  const std::string* found_ = nullptr;  // in stops_
};

}  // namespace aloud
